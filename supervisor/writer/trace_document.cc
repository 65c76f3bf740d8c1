#include "supervisor/writer/trace_document.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <algorithm>

#include "ipc/core/ids.h"
#include "ipc/proto/writer.pb.h"
#include "supervisor/writer/event_head.h"
#include "supervisor/writer/trace_reader.h"

namespace nightjar {
namespace {

constexpr size_t kFieldHeadBytes = 16;  // a tag and a length, at most, and some

// Field `number` with this content; protobuf takes the parts of a message in any order and merges
// them.
void AppendField(std::string& out, uint32_t number, std::string_view content) {
  google::protobuf::io::StringOutputStream sink(&out);
  google::protobuf::io::CodedOutputStream stream(&sink);
  stream.WriteTag(number << 3 | 2);
  stream.WriteVarint32(static_cast<uint32_t>(content.size()));
  stream.WriteRaw(content.data(), static_cast<int>(content.size()));
}

}  // namespace

Result<std::string> EncodeTraceAnswer(uint64_t ticket, const proto::TraceRow& row,
                                      std::string_view object, size_t bytes_max) {
  RunId run = RunId::Parse(row.run_id()).value_or(RunId());
  NJ_ASSIGN(TraceReader reader, TraceReader::Open(object));
  proto::TraceDocument top;
  *top.mutable_row() = row;
  uint64_t stored_events = 0;
  if (const proto::StoredRun* stored = reader.Find(run)) {
    *top.mutable_tail() = stored->tail();
    *top.mutable_open_calls() = stored->open_calls();
    top.set_stream_refused(stored->stream_refused());
    stored_events = stored->events();
  }

  size_t room = bytes_max - std::min(bytes_max, top.ByteSizeLong() + 8 * kFieldHeadBytes);
  std::string document;
  uint64_t seen = 0, left_out = 0;
  bool unreadable = false;
  proto::TraceEvent event;  // reused: parsing is how bytes are found to be an event
  reader.ReadEvents(run, [&](std::string_view bytes) {
    ++seen;
    if (left_out > 0 || document.size() + bytes.size() + kFieldHeadBytes > room) {
      ++left_out;
    } else if (ParseEvent(bytes, &event)) {
      AppendField(document, proto::TraceDocument::kEventsFieldNumber, bytes);
    } else {
      unreadable = true;
    }
  });
  top.set_events_left_out(left_out);
  top.set_incomplete_object(reader.damaged() || unreadable || seen < stored_events);
  document += top.SerializeAsString();

  proto::FromWriter answer;
  answer.set_ticket(ticket);
  std::string encoded = answer.SerializeAsString();
  encoded.reserve(encoded.size() + document.size() + kFieldHeadBytes);
  AppendField(encoded, proto::FromWriter::kTraceFieldNumber, document);
  return encoded;
}

}  // namespace nightjar
