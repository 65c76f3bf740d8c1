#include "worker/trace/event_stream.h"

#include <algorithm>

#include "ipc/core/bounds.h"
#include "worker/trace/wire.h"

namespace nightjar {
namespace {

// What each event has besides its kind's fields, at most: seq, time, the kind's tag and length.
constexpr uint64_t kHeadBytes = 2 * (1 + wire::kVarintBytes) + 1 + wire::kLengthBytes;
constexpr uint64_t kGapBytes = kHeadBytes + 1 + wire::kVarintBytes;
constexpr uint64_t kBareStartBytes = kHeadBytes + 2 + 16;
// What is kept for a RunEnd and what may be owed before it.
constexpr uint64_t kEndBytes =
    bounds::kTraceEventBytes / 2 + kHeadBytes + kGapBytes + kBareStartBytes;

// The header of an event of kind kField, whose body `at` is then at.
template <uint32_t kField>
char* PutHead(char* at, uint64_t seq, uint64_t at_ns) {
  at = wire::PutUint<1>(at, seq);
  at = wire::PutUint<2>(at, at_ns);
  return wire::OpenMessage<kField>(at);
}

}  // namespace

void EventStream::StartRun(const RunId& run, uint64_t bytes_max) {
  run_ = run;
  budget_ = std::max<uint64_t>(bytes_max, bounds::kTraceLeastBytes);
  bytes_ = events_ = dropped_ = gap_ = 0;
  overflowed_ = false;
  start_owed_ = false;
  ring_->StartRun(run);
}

uint64_t EventStream::Limit(Share share) const {
  switch (share) {
    case Share::kAny:
      // Once an event did not fit, no smaller one is let through: one long gap is easier to read
      // than many holes.
      return overflowed_ ? 0 : budget_ - budget_ / 8;
    case Share::kReturn:
      return budget_ - std::min(budget_ / 16, kEndBytes);
    case Share::kEnd:
      return budget_;
  }
  return 0;
}

uint64_t EventStream::RoomFor(Share share) const {
  uint64_t used = bytes_ + kHeadBytes + kGapBytes + kBareStartBytes;
  return Limit(share) - std::min(Limit(share), used);
}

bool EventStream::Write(std::string_view event, Share share) {
  uint64_t owed = (start_owed_ ? kBareStartBytes : 0) + (gap_ > 0 ? kGapBytes : 0);
  bool streamed = false;
  if (bytes_ + owed + event.size() > Limit(share)) [[unlikely]]
    overflowed_ = true;
  else
    streamed = (owed == 0 || AppendOwed()) && Append(event);
  if (!streamed) [[unlikely]]
    Drop(event);
  ring_->ShowCounters(events_, bytes_, dropped_);
  return streamed;
}

bool EventStream::Append(std::string_view event) {
  if (!ring_->Append(event)) return false;
  bytes_ += event.size();
  return true;
}

void EventStream::Drop(std::string_view event) {
  ++dropped_;
  // The RunStart is owed rather than lost: without it, the stream would show this run's events as
  // the last run's.
  if (events_ == 1)
    start_owed_ = true;
  else
    ++gap_;
  ring_->AppendTail(event);
}

bool EventStream::AppendOwed() {
  char bytes[std::max(kGapBytes, kBareStartBytes)];
  if (start_owed_) {
    char* body = PutHead<3>(bytes, 1, 0);
    char* end = wire::PutText<1>(body, run_.bytes());
    wire::CloseMessage(body, end);
    if (!Append({bytes, static_cast<size_t>(end - bytes)})) return false;
    start_owed_ = false;
    --dropped_;
  }
  if (gap_ > 0) {
    // The Gap stands for the events just before the newest one and has the number of the last of
    // them.
    char* body = PutHead<7>(bytes, events_ - 1, at_ns_);
    char* end = wire::PutUint<1>(body, gap_);
    wire::CloseMessage(body, end);
    if (!Append({bytes, static_cast<size_t>(end - bytes)})) return false;
    gap_ = 0;
  }
  return true;
}

}  // namespace nightjar
