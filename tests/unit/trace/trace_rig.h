// A ring, a recorder at one end and a consumer that parses at the other, and values that a test can
// write down.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <variant>
#include <vector>

#include "ipc/core/fd.h"
#include "ipc/proto/trace.pb.h"
#include "ipc/ring/consumer.h"
#include "ipc/ring/producer.h"
#include "ipc/ring/tail.h"
#include "worker/trace/recorder.h"

namespace nightjar::testing {

struct TestValue {
  std::variant<int64_t, std::string, std::vector<TestValue>> is;
};

inline void WriteValue(const TestValue& value, ValueWriter& out) {
  if (auto* number = std::get_if<int64_t>(&value.is)) return out.Int(*number);
  if (auto* text = std::get_if<std::string>(&value.is)) return out.String(*text);
  out.BeginList();
  for (const TestValue& item : std::get<std::vector<TestValue>>(value.is)) {
    if (out.full()) break;
    WriteValue(item, out);
  }
  out.End();
}

inline TestValue Int(int64_t value) {
  return {value};
}
inline TestValue Text(std::string value) {
  return {std::move(value)};
}

class TraceRig {
 public:
  TraceRig()
      : fd_(*CreateSizedMemfd("trace", RingBytes())),
        mapping_(*Mapping::Create(fd_, RingBytes(), Mapping::Access::kReadWrite)),
        producer_(mapping_.bytes()),
        consumer_(mapping_.bytes()),
        recorder_(&producer_) {}

  Recorder& recorder() { return recorder_; }
  void Start(uint64_t bytes_max, RunId run = RunId::New({})) {
    recorder_.StartRun(run, {.trace_bytes_max = bytes_max}, Int(1));
  }
  uint64_t Open(std::string_view fn, std::vector<TestValue> args = {}) {
    return recorder_.OpenCall<TestValue>(Recorder::Kind::kFunction, fn, 7, args);
  }

  // Everything published since the last call.
  std::vector<proto::TraceEvent> Drain() {
    std::vector<proto::TraceEvent> events;
    auto taken = consumer_.Drain([&](auto record) { events.push_back(Parse(record)); }, SIZE_MAX);
    EXPECT_TRUE(taken) << taken.error().ToString();
    return events;
  }
  RingEvidence Evidence() {
    auto evidence = ReadRingEvidence(mapping_.bytes());
    EXPECT_TRUE(evidence) << evidence.error().ToString();
    return evidence ? *evidence : RingEvidence{};
  }
  // More than half of the stream is not drained yet. For the side that writes.
  bool HalfFull() {
    auto& header = *reinterpret_cast<ring::Header*>(mapping_.bytes().data());
    uint64_t written = std::atomic_ref(header.write_position).load(std::memory_order_relaxed);
    uint64_t read = std::atomic_ref(header.read_position).load(std::memory_order_acquire);
    return written - read > bounds::kRingStreamBytes / 2;
  }
  RingCounters Counters() { return ReadRingCounters(mapping_.bytes()); }

  static proto::TraceEvent Parse(std::span<const std::byte> record) {
    proto::TraceEvent event;
    EXPECT_TRUE(event.ParseFromArray(record.data(), static_cast<int>(record.size())));
    return event;
  }
  static proto::TraceEvent Parse(const std::string& record) {
    return Parse(std::as_bytes(std::span(record)));
  }

 private:
  Fd fd_;
  Mapping mapping_;
  RingProducer producer_;
  RingConsumer consumer_;
  Recorder recorder_;
};

// Every hole in the numbers of one run's events is explained by the Gap that stands in it.
inline void ExpectNoUnexplainedHole(const std::vector<proto::TraceEvent>& events) {
  uint64_t last = 0;
  for (const proto::TraceEvent& event : events) {
    uint64_t step = event.kind_case() == proto::TraceEvent::kGap ? event.gap().dropped() : 1;
    EXPECT_EQ(event.seq(), last + step);
    last = event.seq();
  }
}

}  // namespace nightjar::testing
