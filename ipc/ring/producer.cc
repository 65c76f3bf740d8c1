#include "ipc/ring/producer.h"

#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>

#include "ipc/core/check.h"

namespace nightjar {
namespace {

using ring::FramedBytes;
using ring::kLengthBytes;

template <typename T>
std::atomic_ref<T> Shared(T& field) {
  return std::atomic_ref<T>(field);
}

// Copies a record to position `at` of a circular buffer of kBytes, its size first.
template <size_t kBytes>
void PutRecord(char* buffer, uint64_t at, std::string_view record) {
  size_t offset = at & (kBytes - 1);
  auto length = static_cast<uint32_t>(record.size());
  std::memcpy(buffer + offset, &length, kLengthBytes);
  offset += kLengthBytes;
  size_t first = std::min(record.size(), kBytes - offset);
  std::memcpy(buffer + offset, record.data(), first);
  if (first < record.size()) std::memcpy(buffer, record.data() + first, record.size() - first);
}

}  // namespace

RingProducer::RingProducer(std::span<std::byte> ring)
    : header_(reinterpret_cast<ring::Header*>(ring.data())),
      stream_(reinterpret_cast<char*>(ring.data()) + ring::kStreamOffset),
      tail_(reinterpret_cast<char*>(ring.data()) + ring::kTailOffset) {
  CHECK(ring.size() >= RingBytes());
  CHECK(reinterpret_cast<uintptr_t>(ring.data()) % ring::kCacheLine == 0);
  static_cast<void>(madvise(header_, ring::kHeaderBytes, MADV_POPULATE_WRITE));
  header_->version = ring::kVersion;
  header_->header_bytes = ring::kHeaderBytes;
  header_->stream_bytes = bounds::kRingStreamBytes;
  header_->tail_bytes = bounds::kRingTailBytes;
  write_ = Shared(header_->write_position).load(std::memory_order_relaxed);
  tail_begin_ = tail_end_ = Shared(header_->tail_end).load(std::memory_order_relaxed);
  run_version_ = Shared(header_->run_version).load(std::memory_order_relaxed) & ~1u;
  read_seen_ = Shared(header_->read_position).load(std::memory_order_acquire);
  populated_ = populated_from_ = write_ & ~(bounds::kRingPopulateBytes - 1);
  Populate();
  Shared(header_->magic).store(ring::kMagic, std::memory_order_release);
}

void RingProducer::StartRun(const RunId& run) {
  // The old run's end goes first: a kill in between must not show it as the new run's.
  Shared(header_->open_calls).store(0, std::memory_order_release);
  tail_begin_ = tail_end_;
  Shared(header_->tail_begin).store(tail_begin_, std::memory_order_release);

  // A reader of the counters either sees one even version twice, and then one run's id and
  // counters, or tries again.
  Shared(header_->run_version).store(++run_version_, std::memory_order_release);
  uint64_t id[2];
  static_assert(sizeof id == 16);
  std::memcpy(id, run.bytes().data(), sizeof id);
  // Release, so that whoever sees any of these sees the odd version too.
  for (int i = 0; i < 2; ++i) Shared(header_->run_id[i]).store(id[i], std::memory_order_release);
  ShowCounters(0, 0, 0);
  Shared(header_->run_version).store(++run_version_, std::memory_order_release);
  wait_left_ = bounds::kRingWaitPerRun;
}

bool RingProducer::Fits(size_t need) const {
  // A consumer that claims to be elsewhere than up to one ring behind makes the ring count as full.
  uint64_t used = write_ - read_seen_;
  return used <= bounds::kRingStreamBytes && bounds::kRingStreamBytes - used >= need;
}

bool RingProducer::Append(std::string_view record) {
  CHECK(!record.empty() && record.size() <= bounds::kTraceEventBytes);
  size_t need = FramedBytes(record.size());
  if (!Fits(need) && !MakeRoom(need)) [[unlikely]]
    return false;
  if (write_ + need > populated_) [[unlikely]]
    Populate();
  PutRecord<bounds::kRingStreamBytes>(stream_, write_, record);
  write_ += need;
  Shared(header_->write_position).store(write_, std::memory_order_release);
  return true;
}

// A page fault costs as much as a hundred events on some virtual machines, and a fifth of that when
// pages are asked for together. The ring is shared memory, so a write to a page that is there
// already is a fault as well.
void RingProducer::Populate() {
  size_t offset = populated_ & (bounds::kRingStreamBytes - 1);
  size_t bytes = std::min(bounds::kRingPopulateBytes, bounds::kRingStreamBytes - offset);
  // Refused by kernels before 5.14: then each page is a fault.
  bool works = madvise(stream_ + offset, bytes, MADV_POPULATE_WRITE) == 0;
  populated_ += bytes;
  if (!works || populated_ - populated_from_ >= bounds::kRingStreamBytes) populated_ = UINT64_MAX;
}

bool RingProducer::MakeRoom(size_t need) {
  auto look = [&] {
    read_seen_ = Shared(header_->read_position).load(std::memory_order_acquire);
    return Fits(need);
  };
  if (look()) return true;
  Nanos allowed = std::min<Nanos>(bounds::kRingWait, wait_left_);
  SystemClock clock;
  MonoTime began = clock.Mono();
  Nanos waited{0};
  bool room = false;
  while (!room && waited < allowed) {
    WaitForDrain(allowed - waited);
    waited = clock.Mono() - began;
    room = look();
  }
  wait_left_ -= std::min(waited, wait_left_);
  return room;
}

void RingProducer::WaitForDrain(Nanos time) {
  uint32_t seen = Shared(header_->drained).load(std::memory_order_acquire);
  // The consumer publishes, counts `drained` up and then looks at this flag; this side sets it and
  // then looks whether anything was published. All four are sequentially consistent, so at least
  // one side sees the other.
  Shared(header_->room_wanted).store(1, std::memory_order_seq_cst);
  if (Shared(header_->read_position).load(std::memory_order_seq_cst) == read_seen_) {
    timespec timeout{time.count() / 1'000'000'000, time.count() % 1'000'000'000};
    // Shared between processes, hence not FUTEX_PRIVATE_FLAG. Any return is only a reason to look
    // again.
    syscall(SYS_futex, &header_->drained, FUTEX_WAIT, seen, &timeout, nullptr, 0);
  }
  Shared(header_->room_wanted).store(0, std::memory_order_relaxed);
}

void RingProducer::AppendTail(std::string_view record) {
  CHECK(!record.empty() && record.size() <= bounds::kTraceEventBytes);
  size_t need = FramedBytes(record.size());
  // The oldest records are given up before their bytes are overwritten, so that [begin, end) is
  // whole at every instruction.
  while (tail_end_ + need - tail_begin_ > bounds::kRingTailBytes) {
    uint32_t length;
    std::memcpy(&length, tail_ + (tail_begin_ & (bounds::kRingTailBytes - 1)), kLengthBytes);
    tail_begin_ += FramedBytes(length);
  }
  Shared(header_->tail_begin).store(tail_begin_, std::memory_order_relaxed);
  // Only a death can see the order of these, and it sees what the processor had done: the
  // compiler's order is enough.
  std::atomic_signal_fence(std::memory_order_seq_cst);
  PutRecord<bounds::kRingTailBytes>(tail_, tail_end_, record);
  tail_end_ += need;
  Shared(header_->tail_end).store(tail_end_, std::memory_order_release);
}

void RingProducer::ShowCounters(uint64_t events, uint64_t bytes, uint64_t dropped) {
  Shared(header_->events).store(events, std::memory_order_release);
  Shared(header_->bytes).store(bytes, std::memory_order_release);
  Shared(header_->dropped).store(dropped, std::memory_order_release);
}

void RingProducer::RestoreFrame(uint64_t depth, const SpineFrame& frame) {
  ring::SpineSlot& slot = SlotOf(depth);
  Shared(slot.mark).store(0, std::memory_order_relaxed);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  slot.call_id = frame.call_id;
  slot.expr_id = frame.expr_id;
  slot.opened_ns = frame.opened_ns;
  slot.calls = frame.calls;
  slot.kind = frame.kind;
  slot.name_bytes = static_cast<uint32_t>(std::min(frame.fn.size(), sizeof slot.name));
  std::copy_n(frame.fn.data(), slot.name_bytes, slot.name);
  Shared(slot.mark).store(depth + 1, std::memory_order_release);
}

void RingProducer::PushFrame(uint64_t depth, const SpineFrame& frame) {
  RestoreFrame(depth, frame);
  Shared(header_->open_calls).store(depth + 1, std::memory_order_release);
}

void RingProducer::PopFrame(uint64_t open_calls) {
  Shared(header_->open_calls).store(open_calls, std::memory_order_release);
}

}  // namespace nightjar
