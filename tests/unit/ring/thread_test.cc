#include <atomic>
#include <thread>

#include "tests/unit/ring/ring_rig.h"

namespace nightjar::testing {
namespace {

// Two threads stand in for two processes, so that ThreadSanitizer sees both sides.
TEST(RingThreadTest, HandsOverInOrderWhileBothSidesRun) {
  constexpr uint64_t kRecords = 200'000;
  GuardedRing ring;
  std::atomic<bool> finished{false};
  uint64_t refused = 0;
  std::thread worker([&] {
    RingProducer producer(ring.bytes());
    producer.StartRun(RunId::New({}));
    for (uint64_t number = 1; number <= kRecords; ++number) {
      // A run's waiting is bounded; the test's is not.
      while (!producer.Append(NumberedRecord(number, 8 + number % 120))) {
        ++refused;
        producer.StartRun(RunId::New({}));
      }
      producer.ShowCounters(number, number, 0);
    }
    finished = true;
  });
  RingConsumer consumer(ring.bytes());
  uint64_t last = 0;
  for (bool last_look = false; !last_look;) {
    last_look = finished;
    auto taken = consumer.Drain(
        [&](auto record) {
          ExpectWhole(AsText(record));
          EXPECT_EQ(NumberOf(AsText(record)), ++last);
        },
        50'000);
    ASSERT_TRUE(taken) << taken.error().ToString();
    if (*taken > 0) last_look = false;
    ReadRingCounters(ring.bytes());
  }
  worker.join();
  EXPECT_EQ(last, kRecords);
  RecordProperty("refused", std::to_string(refused));
}

TEST(RingThreadTest, WakesAProducerThatWaitsForRoom) {
  GuardedRing ring;
  RingProducer producer(ring.bytes());
  std::string record = NumberedRecord(1, 16000);
  while (producer.Append(record)) {
  }
  std::atomic<bool> appended{false};
  std::thread worker([&] {
    while (!producer.Append(record)) producer.StartRun(RunId::New({}));
    appended = true;
  });
  // The fact to wait for: the producer says that it sleeps. Only then is there anything to wake.
  while (std::atomic_ref<uint32_t>(ring.header().room_wanted).load() == 0 && !appended) {
  }
  EXPECT_FALSE(appended);
  RingConsumer consumer(ring.bytes());
  ASSERT_TRUE(consumer.Drain([](auto) {}, SIZE_MAX));
  worker.join();
  EXPECT_TRUE(appended);
}

}  // namespace
}  // namespace nightjar::testing
