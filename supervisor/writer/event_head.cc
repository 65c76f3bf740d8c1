#include "supervisor/writer/event_head.h"

#include <google/protobuf/io/coded_stream.h>

#include "ipc/core/bounds.h"

namespace nightjar {
namespace {

// What is nested deeper is no event of ours, and could not be shown: see bounds::kTraceValueLevels.
// A value lies up to three messages deep in its event.
constexpr int kLevels = bounds::kTraceValueLevels + 3;

enum WireType : uint32_t { kVarint = 0, kFixed64 = 1, kDelimited = 2, kFixed32 = 5 };

struct Field {
  uint32_t number = 0;
  uint64_t value = 0;      // kVarint
  std::string_view bytes;  // kDelimited
};

bool TakeVarint(std::string_view& rest, uint64_t& value) {
  value = 0;
  for (unsigned shift = 0; shift < 64 && !rest.empty(); shift += 7) {
    auto byte = static_cast<unsigned char>(rest.front());
    rest.remove_prefix(1);
    value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

bool TakeBytes(std::string_view& rest, uint64_t size, std::string_view& bytes) {
  if (size > rest.size()) return false;
  bytes = rest.substr(0, size);
  rest.remove_prefix(size);
  return true;
}

bool TakeField(std::string_view& rest, Field& field) {
  uint64_t tag;
  if (!TakeVarint(rest, tag) || tag > UINT32_MAX) return false;
  field.number = static_cast<uint32_t>(tag >> 3);
  if (field.number == 0) return false;
  field.value = 0;
  field.bytes = {};
  uint64_t size;
  switch (tag & 7) {
    case kVarint:
      return TakeVarint(rest, field.value);
    case kFixed64:
      return TakeBytes(rest, 8, field.bytes);
    case kFixed32:
      return TakeBytes(rest, 4, field.bytes);
    case kDelimited:
      return TakeVarint(rest, size) && TakeBytes(rest, size, field.bytes);
    default:
      return false;
  }
}

std::optional<RunId> RunOf(std::string_view run_start) {
  Field field;
  while (!run_start.empty()) {
    if (!TakeField(run_start, field)) return std::nullopt;
    if (field.number == proto::RunStart::kRunIdFieldNumber) return RunId::FromBytes(field.bytes);
  }
  return std::nullopt;
}

// As the recorder writes them, kind and name come before the arguments, which are not looked at.
std::string_view FunctionOf(std::string_view call) {
  Field field;
  uint64_t kind = proto::CALL_KIND_UNSPECIFIED;
  while (!call.empty() && TakeField(call, field)) {
    if (field.number == proto::Call::kKindFieldNumber) kind = field.value;
    if (field.number != proto::Call::kFnFieldNumber) continue;
    bool wanted = kind == proto::CALL_KIND_FUNCTION || kind == proto::CALL_KIND_PROGRAM;
    return wanted && field.bytes.size() <= bounds::kTraceNameBytes ? field.bytes
                                                                   : std::string_view();
  }
  return {};
}

}  // namespace

std::optional<EventHead> ReadEventHead(std::string_view event) {
  EventHead head;
  Field field;
  while (!event.empty()) {
    if (!TakeField(event, field)) return std::nullopt;
    if (field.number == proto::TraceEvent::kSeqFieldNumber) head.seq = field.value;
    if (field.number == proto::TraceEvent::kAtNsFieldNumber) head.at_ns = field.value;
    if (field.number == proto::TraceEvent::kCallFieldNumber)
      head.function = FunctionOf(field.bytes);
    if (field.number != proto::TraceEvent::kRunStartFieldNumber) continue;
    head.starts = RunOf(field.bytes);
    if (!head.starts) return std::nullopt;
  }
  return head;
}

bool ParseEvent(std::string_view event, proto::TraceEvent* parsed) {
  google::protobuf::io::CodedInputStream stream(reinterpret_cast<const uint8_t*>(event.data()),
                                                static_cast<int>(event.size()));
  stream.SetRecursionLimit(kLevels);
  if (!parsed->ParseFromCodedStream(&stream) || !stream.ConsumedEntireMessage()) return false;
  parsed->DiscardUnknownFields();
  return true;
}

std::string EncodeGap(uint64_t seq, uint64_t at_ns, uint64_t dropped) {
  proto::TraceEvent gap;
  gap.set_seq(seq);
  gap.set_at_ns(at_ns);
  gap.mutable_gap()->set_dropped(dropped);
  return gap.SerializeAsString();
}

}  // namespace nightjar
