#include <deque>

#include "tests/unit/ring/ring_rig.h"

namespace nightjar::testing {
namespace {

TEST(RingTailTest, HoldsTheNewestRecordsThatFit) {
  constexpr uint32_t kSeed = 977;
  SCOPED_TRACE(kSeed);
  std::mt19937 random(kSeed);
  GuardedRing ring;
  RingProducer producer(ring.bytes());
  std::deque<std::string> model;
  size_t framed = 0;
  for (uint64_t number = 1; number <= 20000; ++number) {
    size_t most = random() % 50 == 0 ? bounds::kTraceEventBytes : 200;
    model.push_back(NumberedRecord(number, 8 + random() % (most - 7)));
    producer.AppendTail(model.back());
    framed += ring::FramedBytes(model.back().size());
    while (framed > bounds::kRingTailBytes) {
      framed -= ring::FramedBytes(model.front().size());
      model.pop_front();
    }
    if (number % 500 != 0) continue;
    auto evidence = ReadRingEvidence(ring.bytes());
    ASSERT_TRUE(evidence) << evidence.error().ToString();
    ASSERT_EQ(evidence->newest, std::vector<std::string>(model.begin(), model.end()));
  }
  producer.StartRun(RunId::New({}));
  EXPECT_TRUE(ReadRingEvidence(ring.bytes())->newest.empty());
}

TEST(RingTailTest, IsEmptyInARingThatNobodyOpened) {
  GuardedRing ring;
  auto evidence = ReadRingEvidence(ring.bytes());
  ASSERT_TRUE(evidence);
  EXPECT_TRUE(evidence->counters.run.none());
  EXPECT_TRUE(evidence->newest.empty());
  EXPECT_EQ(evidence->open_calls, 0u);
}

TEST(RingTailTest, LeavesOutAFrameThatWasBeingWritten) {
  GuardedRing ring;
  RingProducer producer(ring.bytes());
  producer.PushFrame(0, {.call_id = 1, .kind = 1, .fn = "whole"});
  producer.PushFrame(1, {.call_id = 2, .kind = 1, .fn = "torn"});
  producer.PushFrame(2, {.call_id = 3, .kind = 2, .fn = {}});
  ring.header().outer[1].mark = 0;
  auto evidence = ReadRingEvidence(ring.bytes());
  ASSERT_TRUE(evidence);
  EXPECT_EQ(evidence->open_calls, 3u);
  ASSERT_EQ(evidence->frames.size(), 2u);
  EXPECT_EQ(evidence->frames[0].fn, "whole");
  EXPECT_EQ(evidence->frames[1].call_id, 3u);
}

TEST(RingTailTest, KnowsEachKindOfCallAndNoOther) {
  GuardedRing ring;
  RingProducer producer(ring.bytes());
  for (uint32_t kind = 0; kind <= 5; ++kind)
    producer.PushFrame(kind, {.call_id = kind + 1, .kind = kind, .fn = "f"});
  auto evidence = ReadRingEvidence(ring.bytes());
  ASSERT_TRUE(evidence);
  ASSERT_EQ(evidence->frames.size(), 5u);
  EXPECT_EQ(evidence->frames[4].kind, 4u);  // a program of the host
}

TEST(RingTailTest, CutsNamesBetweenCharacters) {
  GuardedRing ring;
  RingProducer producer(ring.bytes());
  std::string name(bounds::kSpineNameBytes - 1, 'n');
  producer.PushFrame(0, {.call_id = 1, .kind = 1, .fn = name + "\u00e9"});
  producer.PushFrame(1, {.call_id = 2, .kind = 1, .fn = "bad \xff byte"});
  auto evidence = ReadRingEvidence(ring.bytes());
  ASSERT_EQ(evidence->frames.size(), 2u);
  EXPECT_EQ(evidence->frames[0].fn, name);
  EXPECT_EQ(evidence->frames[1].fn, "bad ");
}

}  // namespace
}  // namespace nightjar::testing
