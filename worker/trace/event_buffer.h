// One proto::TraceEvent in the making, at most bounds::kTraceEventBytes long.
//
// Used in order: Begin, OpenKind, the kind's fields, Finish. The fixed fields always have room;
// values share what is left, and Room() says how much that is. No allocation; single thread; owned
// by Recorder.
#pragma once

#include <cstdint>
#include <string_view>

#include "ipc/core/bounds.h"
#include "ipc/core/utf8.h"
#include "worker/trace/value_writer.h"
#include "worker/trace/wire.h"

namespace nightjar {

class EventBuffer {
 public:
  void Begin(uint64_t seq, uint64_t at_ns) {
    at_ = wire::PutUint<1>(bytes_, seq);
    at_ = wire::PutUint<2>(at_, at_ns);
  }
  // `kField` is the number of the event's kind in TraceEvent.
  template <uint32_t kField>
  void OpenKind() {
    at_ = kind_ = wire::OpenMessage<kField>(at_);
  }
  template <uint32_t kField>
  void PutUint(uint64_t value) {
    at_ = wire::PutUint<kField>(at_, value);
  }
  template <uint32_t kField>
  void PutName(std::string_view name) {
    at_ = wire::PutText<kField>(at_, Utf8Prefix(name, bounds::kTraceNameBytes));
  }
  template <uint32_t kField>
  void PutBytes(std::string_view bytes) {  // few enough to fit beside the fixed fields
    at_ = wire::PutText<kField>(at_, bytes);
  }
  // A message of two texts, fields 1 and 2, which takes PairBytes() and is smaller than an event.
  template <uint32_t kField>
  void PutPair(std::string_view first, std::string_view second) {
    char* body = wire::OpenMessage<kField>(at_);
    at_ = wire::PutText<2>(wire::PutText<1>(body, first), second);
    wire::CloseMessage(body, at_);
  }
  static size_t PairBytes(std::string_view first, std::string_view second) {
    return first.size() + second.size() + 3 * (1 + wire::kVarintBytes);
  }
  // One value in at most `bytes_max` bytes, which are at least kLeastValue and at most Room().
  template <uint32_t kField, typename V>
  void PutValue(const V& value, size_t bytes_max) {
    char* body = wire::OpenMessage<kField>(at_);
    ValueWriter writer(body, bytes_max - kValueHead);
    WriteValue(value, writer);
    at_ = body + writer.Finish();
    wire::CloseMessage(body, at_);
  }
  // What is left for values.
  size_t Room() const { return static_cast<size_t>(bytes_ + sizeof bytes_ - at_); }

  std::string_view Finish() {
    wire::CloseMessage(kind_, at_);
    return {bytes_, static_cast<size_t>(at_ - bytes_)};
  }

  static constexpr size_t kValueHead = 1 + wire::kLengthBytes;
  static constexpr size_t kLeastValue = kValueHead + ValueWriter::kLeastCapacity;

 private:
  char* at_ = bytes_;
  char* kind_ = bytes_;
  char bytes_[bounds::kTraceEventBytes];
};

}  // namespace nightjar
