#include "supervisor/writer/trace_pack.h"

#include <gtest/gtest.h>

#include "supervisor/writer/drain.h"
#include "supervisor/writer/trace_reader.h"
#include "tests/unit/writer/writer_rig.h"

namespace nightjar::testing {
namespace {

class TracePackTest : public ::testing::Test {
 protected:
  SealedRun Sealed(const RunId& run, int calls, const std::string& canvas = "demo") {
    FakeWorker worker;
    Drain drain(clock_);
    EXPECT_TRUE(drain.Attach(1, canvas, worker.ring()));
    EXPECT_TRUE(drain.Begin(Began(1, run, canvas)));
    worker.WholeRun(run, calls);
    return *drain.End(Ended(1, run));
  }
  FakeClock clock_;
  Compressor compressor_;
};

TEST_F(TracePackTest, ShowsEachRunAsItsOwnObjectDid) {
  std::vector<SealedRun> runs;
  TracePack pack(compressor_);
  for (int calls : {0, 3, 4000, 1}) {  // one of several blocks among them
    runs.push_back(Sealed(RunAt(calls), calls));
    EXPECT_TRUE(pack.Add(runs.back().object));
  }
  EXPECT_EQ(pack.runs(), 4u);
  std::string object = pack.Seal();
  for (const SealedRun& run : runs) {
    proto::TraceDocument alone = Document(run.row, run.object);
    proto::TraceDocument packed = Document(run.row, object);
    EXPECT_EQ(packed.SerializeAsString(), alone.SerializeAsString());
    EXPECT_FALSE(packed.incomplete_object());
  }
  proto::TraceRow stranger = runs[0].row;
  stranger.set_run_id(RunAt(9).ToString());
  EXPECT_EQ(Document(stranger, object).events_size(), 0);
}

TEST_F(TracePackTest, TakesAPackAsWell) {
  SealedRun first = Sealed(RunAt(1), 1), second = Sealed(RunAt(2), 2), third = Sealed(RunAt(3), 3);
  TracePack inner(compressor_), outer(compressor_);
  ASSERT_TRUE(inner.Add(first.object) && inner.Add(second.object));
  ASSERT_TRUE(outer.Add(third.object) && outer.Add(inner.Seal()));
  std::string object = outer.Seal();
  for (const SealedRun* run : {&first, &second, &third})
    EXPECT_EQ(Document(run->row, object).SerializeAsString(),
              Document(run->row, run->object).SerializeAsString());
}

// A signed address of an object is one of all that is in it.
TEST_F(TracePackTest, NeverHoldsTwoCanvases) {
  TracePack pack(compressor_);
  ASSERT_TRUE(pack.Add(Sealed(RunAt(1), 1).object));
  EXPECT_FALSE(pack.Add(Sealed(RunAt(2), 1, "other").object));
  EXPECT_EQ(pack.runs(), 1u);
}

TEST_F(TracePackTest, TakesNothingThatIsDamaged) {
  SealedRun good = Sealed(RunAt(1), 3), bad = Sealed(RunAt(2), 3);
  TracePack pack(compressor_);
  ASSERT_TRUE(pack.Add(good.object));
  for (size_t at = 0; at < bad.object.size(); at += 7) {
    std::string damaged = bad.object;
    damaged[at] ^= 1;
    if (at < 12 || at > 16) {
      EXPECT_FALSE(pack.Add(damaged)) << at;  // but for what is reserved
    }
    EXPECT_FALSE(pack.Add(bad.object.substr(0, at))) << at;
  }
  std::string object = pack.Seal();
  EXPECT_EQ(Document(good.row, object).SerializeAsString(),
            Document(good.row, good.object).SerializeAsString());
}

TEST_F(TracePackTest, KeepsItsFooterReadable) {
  TracePack pack(compressor_);
  SealedRun run = Sealed(RunAt(1), 1);
  size_t taken = 0;
  while (taken < 100'000 && pack.Add(run.object)) ++taken;
  EXPECT_GT(taken, 1000u);
  EXPECT_LT(taken, 100'000u);
  EXPECT_FALSE(Document(run.row, pack.Seal()).incomplete_object());
}

}  // namespace
}  // namespace nightjar::testing
