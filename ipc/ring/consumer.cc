#include "ipc/ring/consumer.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>

#include "ipc/core/check.h"

namespace nightjar {
namespace {

constexpr uint64_t kStreamMask = bounds::kRingStreamBytes - 1;

template <typename T>
std::atomic_ref<T> Shared(T& field) {
  return std::atomic_ref<T>(field);
}

}  // namespace

RingCounters ReadRingCounters(std::span<const std::byte> ring) {
  CHECK(ring.size() >= RingBytes());
  // atomic_ref of C++20 takes no const, and only loads happen here: a read-only mapping is enough.
  auto* header = const_cast<ring::Header*>(reinterpret_cast<const ring::Header*>(ring.data()));
  constexpr int kTries = 64;
  for (int i = 0; i < kTries; ++i) {
    uint32_t version = Shared(header->run_version).load(std::memory_order_acquire);
    uint64_t id[2];
    for (int k = 0; k < 2; ++k) id[k] = Shared(header->run_id[k]).load(std::memory_order_acquire);
    RingCounters counters;
    counters.events = Shared(header->events).load(std::memory_order_acquire);
    counters.bytes = Shared(header->bytes).load(std::memory_order_acquire);
    counters.dropped = Shared(header->dropped).load(std::memory_order_acquire);
    // The loads above are acquire, so this one cannot pass them.
    bool settled = Shared(header->run_version).load(std::memory_order_acquire) == version;
    if (!settled || version % 2 != 0) continue;
    counters.run = *RunId::FromBytes({reinterpret_cast<const char*>(id), sizeof id});
    return counters;
  }
  return {};
}

RingConsumer::RingConsumer(std::span<std::byte> ring, Freeing freeing)
    : header_(reinterpret_cast<ring::Header*>(ring.data())),
      stream_(reinterpret_cast<const char*>(ring.data()) + ring::kStreamOffset),
      freeing_(freeing) {
  CHECK(ring.size() >= RingBytes());
  CHECK(reinterpret_cast<uintptr_t>(ring.data()) % ring::kCacheLine == 0);
  read_ = freed_ = Shared(header_->read_position).load(std::memory_order_acquire);
  drained_ = Shared(header_->drained).load(std::memory_order_relaxed);
}

Result<size_t> RingConsumer::Drain(const Sink& sink, size_t bytes_max) {
  if (condemned_) return Condemn("a condemned trace ring");
  uint64_t published = Shared(header_->write_position).load(std::memory_order_acquire);
  if (published < read_) return Condemn("a trace ring went backwards");
  if (published - freed_ > bounds::kRingStreamBytes)
    return Condemn("a trace ring claims more than it can hold");
  if ((published | read_) % 8 != 0) return Condemn("a trace ring is misaligned");
  uint64_t began = read_;
  while (read_ < published && read_ - began < bytes_max) NJ_TRY(TakeRecord(published, sink));
  if (freeing_ == Freeing::kAtOnce) Free(read_);
  return static_cast<size_t>(read_ - began);
}

Status RingConsumer::TakeRecord(uint64_t published, const Sink& sink) {
  size_t offset = read_ & kStreamMask;
  uint32_t length;
  std::memcpy(&length, stream_ + offset, sizeof length);
  if (length == 0 || length > record_.size())
    return Condemn("a trace record of an impossible size");
  size_t framed = ring::FramedBytes(length);
  if (framed > published - read_) return Condemn("a trace record beyond what was published");
  offset += ring::kLengthBytes;
  size_t first = std::min<size_t>(length, bounds::kRingStreamBytes - offset);
  std::memcpy(record_.data(), stream_ + offset, first);
  std::memcpy(record_.data() + first, stream_, length - first);
  read_ += framed;
  sink({record_.data(), length});
  return {};
}

tl::unexpected<Error> RingConsumer::Condemn(const char* why) {
  condemned_ = true;
  return Fail(ErrorCode::kProtocol, why);
}

void RingConsumer::Free(uint64_t position) {
  if (position <= freed_) return;
  CHECK(position <= read_);
  freed_ = position;
  Shared(header_->read_position).store(freed_, std::memory_order_seq_cst);
  Shared(header_->drained).store(++drained_, std::memory_order_seq_cst);
  // Pairs with RingProducer::WaitForDrain. Waking costs a system call, so only when somebody says
  // it waits.
  if (Shared(header_->room_wanted).load(std::memory_order_seq_cst) != 0)
    syscall(SYS_futex, &header_->drained, FUTEX_WAKE, 1, nullptr, nullptr, 0);
}

}  // namespace nightjar
