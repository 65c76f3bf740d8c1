#include "tests/unit/ring/ring_rig.h"

namespace nightjar::testing {
namespace {

// Everything that reads a ring, over whatever is in it now. Records may come out, and errors;
// nothing else.
void ReadAll(GuardedRing& ring) {
  RingConsumer consumer(ring.bytes());
  for (int i = 0; i < 3; ++i) {
    auto taken = consumer.Drain(
        [](auto record) {
          ASSERT_GT(record.size(), 0u);
          ASSERT_LE(record.size(), bounds::kTraceEventBytes);
        },
        1 + bounds::kRingStreamBytes);
    if (!taken) {
      EXPECT_EQ(taken.error().code, ErrorCode::kProtocol);
      EXPECT_TRUE(consumer.condemned());
    } else {
      EXPECT_LE(*taken, bounds::kRingStreamBytes);
    }
  }
  ReadRingCounters(ring.bytes());
  auto evidence = ReadRingEvidence(ring.bytes());
  if (!evidence) {
    EXPECT_EQ(evidence.error().code, ErrorCode::kProtocol);
    return;
  }
  EXPECT_LE(evidence->frames.size(), 2 * bounds::kSpineFrames);
  size_t bytes = 0;
  for (const std::string& record : evidence->newest) bytes += record.size();
  EXPECT_LE(bytes, bounds::kRingTailBytes);
}

struct Position {
  const char* name;
  uint64_t read;
  uint64_t write;
  uint32_t length;  // of the record at the read position
  bool condemned;
};

TEST(HostileRingTest, CondemnsPositionsAndSizesThatCannotBe) {
  constexpr uint64_t kRing = bounds::kRingStreamBytes;
  const Position kTable[] = {
      {"empty", 0, 0, 0, false},
      {"one record", 0, 16, 12, false},
      {"the largest record", 0, 16392, 16384, false},
      {"backwards", 64, 56, 12, true},
      {"more than the ring holds", 0, kRing + 8, 12, true},
      {"far ahead", 0, UINT64_MAX & ~7ull, 12, true},
      {"misaligned", 0, 17, 12, true},
      {"misaligned on both sides", 1, 17, 12, true},
      {"no length", 0, 16, 0, true},
      {"beyond what is published", 0, 16, 13, true},
      {"too long", 0, kRing, 16385, true},
      {"as long as can be", 0, kRing, UINT32_MAX, true},
      {"wraps around", kRing - 8, kRing + 24, 26, false},
      {"near the end of all numbers", (UINT64_MAX & ~7ull) - 8, UINT64_MAX & ~7ull, 4, false},
  };
  for (const Position& row : kTable) {
    SCOPED_TRACE(row.name);
    GuardedRing ring;
    ring.header().read_position = row.read;
    RingConsumer consumer(ring.bytes());
    ring.header().write_position = row.write;
    ring.PutLength(ring.stream() + (row.read & (kRing - 8)), row.length);
    size_t records = 0;
    auto taken = consumer.Drain([&](auto) { ++records; }, SIZE_MAX);
    EXPECT_EQ(consumer.condemned(), row.condemned);
    EXPECT_EQ(taken.has_value(), !row.condemned);
    EXPECT_EQ(records, row.condemned || row.read == row.write ? 0u : 1u);
    ReadAll(ring);
  }
}

TEST(HostileRingTest, StaysCondemned) {
  GuardedRing ring;
  RingProducer producer(ring.bytes());
  RingConsumer consumer(ring.bytes());
  ASSERT_TRUE(producer.Append("an honest record"));
  uint64_t honest = ring.header().write_position;
  ring.header().write_position = honest + 4;
  EXPECT_FALSE(consumer.Drain([](auto) {}, SIZE_MAX));
  ring.header().write_position = honest;
  EXPECT_FALSE(consumer.Drain([](auto) { ADD_FAILURE() << "from a condemned ring"; }, SIZE_MAX));
}

TEST(HostileRingTest, SurvivesRandomBytes) {
  constexpr uint32_t kSeed = 4711;
  SCOPED_TRACE(kSeed);
  std::mt19937_64 random(kSeed);
  GuardedRing ring;
  auto words = reinterpret_cast<uint64_t*>(ring.bytes().data());
  for (size_t i = 0; i < RingBytes() / 8; ++i) words[i] = random() % 600;
  for (int round = 0; round < 1000; ++round) {
    for (size_t i = 0; i < ring::kHeaderBytes / 8; ++i) words[i] = random();
    // Mostly positions that pass the first checks, and sizes that sometimes pass the next.
    ring::Header& header = ring.header();
    if (random() % 8 != 0) {
      header.read_position = random() & ~7ull;
      header.write_position =
          header.read_position + (random() % (bounds::kRingStreamBytes + 64) & ~7ull);
      header.tail_begin = random() & ~7ull;
      header.tail_end = header.tail_begin + (random() % (bounds::kRingTailBytes + 64) & ~7ull);
      header.open_calls = random() % 3 == 0 ? random() : random() % 100;
    }
    for (int i = 0; i < 200; ++i) {
      ring.PutLength(ring.stream() + (random() % bounds::kRingStreamBytes & ~7ull), random() % 600);
      ring.PutLength(ring.tail() + (random() % bounds::kRingTailBytes & ~7ull), random() % 100);
    }
    ring.PutLength(ring.stream() + (header.read_position & (bounds::kRingStreamBytes - 8)),
                   random() % 20000);
    ring.PutLength(ring.tail() + (header.tail_begin & (bounds::kRingTailBytes - 8)),
                   random() % 20000);
    ReadAll(ring);
    if (HasFailure()) FAIL() << "round " << round;
  }
}

}  // namespace
}  // namespace nightjar::testing
