#include <deque>

#include "tests/unit/ring/ring_rig.h"

namespace nightjar::testing {
namespace {

TEST(RingStreamTest, CarriesWhatADequeWould) {
  constexpr uint32_t kSeed = 20240611;
  SCOPED_TRACE(kSeed);
  std::mt19937 random(kSeed);
  GuardedRing ring;
  RingProducer producer(ring.bytes());
  RingConsumer consumer(ring.bytes());
  std::deque<std::string> model;
  size_t framed = 0;
  uint64_t number = 0, laps = 0;
  auto drain = [&](size_t bytes_max) {
    auto taken = consumer.Drain(
        [&](auto record) {
          ASSERT_FALSE(model.empty());
          ASSERT_EQ(AsText(record), model.front());
          framed -= ring::FramedBytes(model.front().size());
          model.pop_front();
        },
        bytes_max);
    ASSERT_TRUE(taken) << taken.error().ToString();
    laps += *taken;
  };
  while (laps < 40 * bounds::kRingStreamBytes) {
    size_t most = random() % 4 == 0 ? bounds::kTraceEventBytes : 100;
    std::string record = NumberedRecord(++number, 8 + random() % (most - 7));
    // It waits for nobody here: a full stream is emptied first, so that the test does not lean on
    // time.
    if (framed + ring::FramedBytes(record.size()) > bounds::kRingStreamBytes)
      drain(random() % 500000);
    if (framed + ring::FramedBytes(record.size()) > bounds::kRingStreamBytes) continue;
    ASSERT_TRUE(producer.Append(record));
    framed += ring::FramedBytes(record.size());
    model.push_back(record);
    if (random() % 64 == 0) drain(random() % 200000);
    if (HasFatalFailure()) return;
  }
  drain(SIZE_MAX);
  EXPECT_TRUE(model.empty());
}

TEST(RingStreamTest, RefusesWhatDoesNotFitAfterABoundedWait) {
  GuardedRing ring;
  RingProducer producer(ring.bytes());
  producer.StartRun(RunId::New({}));
  std::string record = NumberedRecord(1, 1000);
  size_t taken = 0;
  while (producer.Append(record)) ++taken;
  EXPECT_EQ(taken, bounds::kRingStreamBytes / ring::FramedBytes(record.size()));
  SystemClock clock;
  MonoTime began = clock.Mono();
  for (int i = 0; i < 10000; ++i) EXPECT_FALSE(producer.Append(record));
  // Ten thousand waits of kRingWait would be 50 s; how much slower than allowed a busy machine is
  // does not matter here.
  EXPECT_LT(clock.Mono() - began, std::chrono::seconds(20));

  RingConsumer consumer(ring.bytes());
  ASSERT_TRUE(consumer.Drain([](auto) {}, SIZE_MAX));
  EXPECT_TRUE(producer.Append(record));
}

TEST(RingStreamTest, TakesAReadPositionThatCannotBeForAFullRing) {
  for (uint64_t position : {uint64_t{8}, uint64_t{1} << 40, UINT64_MAX}) {
    GuardedRing ring;
    RingProducer producer(ring.bytes());
    while (producer.Append(NumberedRecord(1, 16000))) {
    }
    ring.header().read_position = position + 2 * bounds::kRingStreamBytes;
    EXPECT_FALSE(producer.Append(NumberedRecord(2, 16000)));
  }
}

TEST(RingStreamTest, GoesOnWithTheNextConsumer) {
  GuardedRing ring;
  RingProducer producer(ring.bytes());
  for (uint64_t i = 1; i <= 100; ++i) ASSERT_TRUE(producer.Append(NumberedRecord(i, 50)));
  uint64_t last = 0;
  for (int consumers = 0; consumers < 30; ++consumers) {
    RingConsumer consumer(ring.bytes());
    auto taken =
        consumer.Drain([&](auto record) { EXPECT_EQ(NumberOf(AsText(record)), ++last); }, 300);
    ASSERT_TRUE(taken);
  }
  EXPECT_EQ(last, 100u);
}

TEST(RingStreamTest, ShowsOneRunsCountersAtATime) {
  GuardedRing ring;
  RingProducer producer(ring.bytes());
  RunId run = RunId::New({});
  producer.StartRun(run);
  producer.ShowCounters(3, 200, 1);
  RingCounters counters = ReadRingCounters(ring.bytes());
  EXPECT_EQ(counters.run, run);
  EXPECT_EQ(counters.events, 3u);
  EXPECT_EQ(counters.bytes, 200u);
  EXPECT_EQ(counters.dropped, 1u);
  producer.StartRun(RunId::New({}));
  EXPECT_NE(ReadRingCounters(ring.bytes()).run, run);
  EXPECT_EQ(ReadRingCounters(ring.bytes()).events, 0u);

  ring.header().run_version = 7;  // odd: for ever in between
  EXPECT_TRUE(ReadRingCounters(ring.bytes()).run.none());
}

// So that another consumer can begin where this one had not done with what it took.
TEST(RingStreamTest, KeepsWhatWasTakenUntilItIsFreed) {
  GuardedRing ring;
  RingProducer producer(ring.bytes());
  std::vector<std::string> taken;
  auto take = [&](std::span<const std::byte> record) { taken.emplace_back(AsText(record)); };
  {
    RingConsumer dead(ring.bytes(), RingConsumer::Freeing::kWhenTold);
    ASSERT_TRUE(producer.Append("stored"));
    ASSERT_TRUE(dead.Drain(take, SIZE_MAX));
    uint64_t stored = dead.position();
    ASSERT_TRUE(producer.Append("taken"));
    ASSERT_TRUE(dead.Drain(take, SIZE_MAX));
    EXPECT_EQ(dead.kept(), dead.position());
    dead.Free(stored);
    dead.Free(0);  // it never goes back
    EXPECT_EQ(dead.kept(), dead.position() - stored);
  }
  taken.clear();
  RingConsumer next(ring.bytes());
  ASSERT_TRUE(next.Drain(take, SIZE_MAX));
  EXPECT_EQ(taken, (std::vector<std::string>{"taken"}));
  EXPECT_EQ(next.kept(), 0u);
}

TEST(RingStreamTest, WhatIsKeptHasNoRoomForMore) {
  GuardedRing ring;
  RingProducer producer(ring.bytes());
  RingConsumer consumer(ring.bytes(), RingConsumer::Freeing::kWhenTold);
  const std::string record(bounds::kTraceEventBytes, 'r');
  while (producer.Append(record)) continue;
  ASSERT_TRUE(consumer.Drain([](auto) {}, SIZE_MAX));
  EXPECT_FALSE(producer.Append(record));
  consumer.Free(consumer.position());
  EXPECT_TRUE(producer.Append(record));
}

}  // namespace
}  // namespace nightjar::testing
