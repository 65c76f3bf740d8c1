// A ring between two pages that nobody may touch, so that a step out of it is a crash and not a
// lucky read.
#pragma once

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstring>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "ipc/core/check.h"
#include "ipc/core/fd.h"
#include "ipc/ring/consumer.h"
#include "ipc/ring/layout.h"
#include "ipc/ring/producer.h"
#include "ipc/ring/tail.h"

namespace nightjar::testing {

class GuardedRing {
 public:
  GuardedRing() : fd_(*CreateSizedMemfd("ring", RingBytes())) {
    area_ = static_cast<std::byte*>(
        mmap(nullptr, RingBytes() + 2 * kGuard, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    CHECK(area_ != MAP_FAILED);
    CHECK(mmap(area_ + kGuard, RingBytes(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
               fd_.get(), 0) != MAP_FAILED);
  }
  ~GuardedRing() { munmap(area_, RingBytes() + 2 * kGuard); }
  GuardedRing(const GuardedRing&) = delete;

  std::span<std::byte> bytes() { return {area_ + kGuard, RingBytes()}; }
  ring::Header& header() { return *reinterpret_cast<ring::Header*>(bytes().data()); }
  std::byte* stream() { return bytes().data() + ring::kStreamOffset; }
  std::byte* tail() { return bytes().data() + ring::kTailOffset; }
  void PutLength(std::byte* at, uint32_t length) { std::memcpy(at, &length, sizeof length); }

 private:
  static constexpr size_t kGuard = 4096;
  Fd fd_;
  std::byte* area_;
};

// A record that knows its own number, so that a torn or mixed one shows.
inline std::string NumberedRecord(uint64_t number, size_t bytes) {
  std::string record(std::max(bytes, sizeof number), static_cast<char>(number * 31));
  std::memcpy(record.data(), &number, sizeof number);
  return record;
}
inline uint64_t NumberOf(std::string_view record) {
  uint64_t number;
  CHECK(record.size() >= sizeof number);
  std::memcpy(&number, record.data(), sizeof number);
  return number;
}
inline void ExpectWhole(std::string_view record) {
  EXPECT_EQ(record, NumberedRecord(NumberOf(record), record.size()));
}
inline std::string_view AsText(std::span<const std::byte> record) {
  return {reinterpret_cast<const char*>(record.data()), record.size()};
}

}  // namespace nightjar::testing
