#include "supervisor/writer/trace_document.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/type_resolver.h>
#include <google/protobuf/util/type_resolver_util.h>

#include <algorithm>

#include "ipc/core/ids.h"
#include "ipc/proto/writer.pb.h"
#include "supervisor/writer/event_head.h"
#include "supervisor/writer/trace_days.h"
#include "supervisor/writer/trace_reader.h"

namespace nightjar {
namespace {

constexpr size_t kFieldHeadBytes = 16;   // a tag and a length, at most, and some
constexpr size_t kAnswerHeadBytes = 32;  // a ticket, and a tag and a length
constexpr const char* kTypeUrl = "type.googleapis.com";

// Field `number` with this content; protobuf takes the parts of a message in any order and merges
// them.
void AppendField(std::string& out, uint32_t number, std::string_view content) {
  google::protobuf::io::StringOutputStream sink(&out);
  google::protobuf::io::CodedOutputStream stream(&sink);
  stream.WriteTag(number << 3 | 2);
  stream.WriteVarint32(static_cast<uint32_t>(content.size()));
  stream.WriteRaw(content.data(), static_cast<int>(content.size()));
}

// What an object says of a run beside its events.
struct Stored {
  proto::TraceDocument top;
  uint64_t events = 0;
};
Stored StoredOf(const TraceReader& reader, const RunId& run) {
  Stored found;
  const proto::StoredRun* stored = reader.Find(run);
  if (stored == nullptr) return found;
  *found.top.mutable_tail() = stored->tail();
  *found.top.mutable_open_calls() = stored->open_calls();
  found.top.set_stream_refused(stored->stream_refused());
  found.events = stored->events();
  return found;
}

// `top` with as many events as fit `room`, encoded as a TraceDocument.
std::string PutTogether(TraceReader& reader, const RunId& run, proto::TraceDocument top,
                        uint64_t stored_events, size_t room) {
  std::string document;
  uint64_t seen = 0, left_out = 0;
  bool unreadable = false;
  proto::TraceEvent event;  // reused: parsing is how bytes are found to be an event
  std::string encoded;
  reader.ReadEvents(run, [&](std::string_view bytes) {
    ++seen;
    if (left_out > 0 || document.size() + bytes.size() + kFieldHeadBytes > room) {
      ++left_out;
    } else if (ParseEvent(bytes, &event)) {
      // Encoded again: a worker's own bytes may say a thing twice, which JSON cannot.
      event.SerializeToString(&encoded);
      AppendField(document, proto::TraceDocument::kEventsFieldNumber, encoded);
    } else {
      unreadable = true;
    }
  });
  top.set_events_left_out(left_out);
  top.set_incomplete_object(reader.damaged() || unreadable || seen < stored_events);
  return document + top.SerializeAsString();
}

// The patches with their rows, each with as many events as fit its share of `room`.
Result<std::string> PutPatches(const std::vector<PatchObject>& patches, size_t room) {
  std::string document;
  for (const PatchObject& patch : patches) {
    const RunId run = RunOf(patch.row);
    NJ_ASSIGN(TraceReader reader, TraceReader::Open(patch.object));
    Stored stored = StoredOf(reader, run);
    *stored.top.mutable_row() = patch.row;
    AppendField(
        document, proto::TraceDocument::kPatchesFieldNumber,
        PutTogether(reader, run, std::move(stored.top), stored.events, room / patches.size()));
  }
  return document;
}

// The row as lists show it, with its zeros; then `rest`, an encoded TraceDocument without a row,
// where they would be most of the text.
Result<std::string> Print(const proto::TraceRow& row, const std::string& rest) {
  static google::protobuf::util::TypeResolver* const resolver =
      google::protobuf::util::NewTypeResolverForDescriptorPool(
          kTypeUrl, google::protobuf::DescriptorPool::generated_pool());
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string members;
  auto printed = google::protobuf::util::BinaryToJsonString(
      resolver, std::string(kTypeUrl) + "/" + proto::TraceDocument::descriptor()->full_name(), rest,
      &members, options);
  options.always_print_primitive_fields = true;
  std::string json = "{\"row\":";
  if (printed.ok()) printed = google::protobuf::util::MessageToJsonString(row, &json, options);
  if (!printed.ok()) return Fail(ErrorCode::kInternal, "the trace cannot be written as JSON");
  constexpr std::string_view kNothing = "{}";
  if (members == kNothing) return json + "}";
  members[0] = ',';
  return json + members;
}

}  // namespace

Result<std::string> EncodeTraceAnswer(uint64_t ticket, const proto::TraceRow& row,
                                      std::string_view object, size_t bytes_max,
                                      const std::vector<PatchObject>& patches) {
  RunId run = RunOf(row);
  NJ_ASSIGN(TraceReader reader, TraceReader::Open(object));
  const Stored stored = StoredOf(reader, run);
  // Text is larger than what it is made of, by how much is seen when it is there.
  size_t room = bytes_max;
  std::string json;
  do {
    room /= 2;
    const size_t of_patches = patches.empty() ? 0 : room / 2;
    NJ_ASSIGN(std::string behind, PutPatches(patches, of_patches));
    NJ_ASSIGN(json,
              Print(row, PutTogether(reader, run, stored.top, stored.events, room - of_patches) +
                             behind));
  } while (json.size() + kAnswerHeadBytes > bytes_max && room > 0);
  if (json.size() + kAnswerHeadBytes > bytes_max)
    return Fail(ErrorCode::kExhausted, "the trace is too large to be shown");
  proto::FromWriter answer;
  answer.set_ticket(ticket);
  answer.set_trace_json(std::move(json));
  return answer.SerializeAsString();
}

}  // namespace nightjar
