#include "supervisor/writer/keeper.h"

#include <gmock/gmock.h>

#include "supervisor/writer/trace_builder.h"
#include "supervisor/writer/trace_reader.h"
#include "tests/unit/writer/memory_store.h"
#include "tests/unit/writer/writer_rig.h"

namespace nightjar::testing {
namespace {

using std::chrono::days;
using std::chrono::hours;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Key;
using ::testing::Not;
using ::testing::SizeIs;

class KeeperTest : public ::testing::Test {
 protected:
  KeeperTest() {
    auto store = std::make_unique<MemoryStore>();
    store_ = store.get();
    archive_ =
        std::make_unique<Archive>(std::move(store), *TraceIndex::Create(dir_ / "index.db", clock_),
                                  *Catalog::Create(dir_ / "catalog.db", clock_),
                                  *MissedIndex::Create(dir_ / "missed.db"), clock_);
    keeper_.emplace(
        *store_,
        [this](const auto& call) {
          call(*archive_);
          return true;
        },
        clock_);
  }

  // Of now, and stored.
  RunId Trace(Tlid tlid = 1, const std::string& function = "f") {
    clock_.Advance(std::chrono::milliseconds(1));
    SealedRun sealed;
    sealed.run = RunId::New(clock_.Wall());
    sealed.row.set_run_id(sealed.run.ToString());
    sealed.row.set_canvas("demo");
    sealed.row.set_tlid(tlid);
    sealed.row.set_handler("GET /x");
    sealed.row.set_received_unix_us(UnixMicros(clock_.Wall()));
    sealed.touched.add_functions(function);
    proto::StoredRun stored;
    *stored.mutable_row() = sealed.row;
    sealed.object = TraceBuilder(compressor_).Seal(std::move(stored));
    RunId run = sealed.run;
    archive_->Store(std::move(sealed));
    EXPECT_EQ(archive_->Commit()[0].error, "");
    return run;
  }
  void Deploy(std::vector<Tlid> tlids) {
    Catalog::Revision revision;
    revision.canvas = "demo";
    revision.number = ++revision_;
    for (Tlid tlid : tlids) revision.manifest.add_handlers()->set_tlid(tlid);
    ASSERT_TRUE(archive_->SaveRevision(revision));
  }
  void Round() {
    Status done = keeper_->Round();
    ASSERT_TRUE(done) << done.error().ToString();
  }
  // A round each day.
  void Pass(days time) {
    for (days passed{0}; passed < time; ++passed) {
      clock_.Advance(days(1));
      Round();
    }
  }
  // "": it can be read; else why not.
  std::string Trouble(const RunId& run) {
    auto found = archive_->index().Get("demo", run);
    if (!found) return found.error().ToString();
    auto object = store_->Get(found->object_key, bounds::kTraceContainerBytes);
    if (!object) return "no object";
    auto reader = TraceReader::Open(*object);
    return reader && reader->Find(run) != nullptr ? "" : "another run's object";
  }
  ErrorCode Missing(const RunId& run) {
    auto found = archive_->index().Get("demo", run);
    return found ? ErrorCode::kInternal : found.error().code;
  }
  size_t Objects(const std::string& prefix) {
    size_t count = 0;
    for (const auto& [key, object] : store_->objects) count += key.starts_with(prefix);
    return count;
  }
  proto::HoldTrace Order(const RunId& run) {
    proto::HoldTrace order;
    order.set_canvas("demo");
    order.set_run_id(std::string(run.bytes()));
    order.set_reason("abuse report 7");
    order.set_by("uid 0");
    return order;
  }
  proto::ReleaseTrace Letting(const RunId& run) {
    proto::ReleaseTrace order;
    order.set_canvas("demo");
    order.set_run_id(std::string(run.bytes()));
    return order;
  }

  TempDir dir_;
  FakeClock clock_;
  Compressor compressor_;
  MemoryStore* store_ = nullptr;
  std::unique_ptr<Archive> archive_;
  std::optional<Keeper> keeper_;
  RevisionNumber revision_ = 0;
};

TEST_F(KeeperTest, ATraceIsKeptAfterThreeDays) {
  RunId run = Trace();
  clock_.Advance(days(3) - hours(1));
  Round();
  EXPECT_EQ(Objects("kept/"), 0u);
  clock_.Advance(hours(1) + std::chrono::milliseconds(1));
  Round();
  EXPECT_THAT(store_->objects, Contains(Key("kept/demo/1/1.njt")));
  Pass(days(40));
  EXPECT_EQ(Objects("week/"), 0u);
  EXPECT_EQ(Trouble(run), "");
  EXPECT_EQ(store_->copies, 1);
}

TEST_F(KeeperTest, TheLastTenStayAndTheOthersExpire) {
  std::vector<RunId> runs;
  for (int i = 0; i < 13; ++i) runs.push_back(Trace());
  Pass(days(10));
  for (size_t i = 0; i < runs.size(); ++i) {
    if (i < 3)
      EXPECT_EQ(Missing(runs[i]), ErrorCode::kExpired) << i;
    else
      EXPECT_EQ(Trouble(runs[i]), "") << i;
  }
  EXPECT_EQ(Objects(""), 10u);
  EXPECT_THAT(*archive_->index().days().Days(), SizeIs(0));
  // And are listed still, by what they touched too.
  proto::ListTraces question;
  question.set_canvas("demo");
  question.set_function("f");
  question.set_rows_max(100);
  auto list = archive_->index().List(question);
  ASSERT_EQ(list->traces_size(), 10);
  EXPECT_EQ(list->traces(0).run_id(), runs[12].ToString());
  EXPECT_EQ(list->traces(9).run_id(), runs[3].ToString());
}

TEST_F(KeeperTest, ABusyHandlerIsNeverCopied) {
  for (int day = 0; day < 20; ++day) {
    for (int i = 0; i < 12; ++i) Trace();
    clock_.Advance(days(1));
    Round();
  }
  EXPECT_EQ(store_->copies, 0);
  EXPECT_LE(Objects("week/"), 9u * 12);
}

TEST_F(KeeperTest, AHandlerWithATraceADayKeepsTen) {
  std::vector<RunId> runs;
  for (int day = 0; day < 30; ++day) {
    runs.push_back(Trace());
    Pass(days(1));
    for (size_t i = runs.size() - std::min<size_t>(runs.size(), 10); i < runs.size(); ++i)
      EXPECT_EQ(Trouble(runs[i]), "") << day << " " << i;
  }
  EXPECT_LE(Objects("kept/"), 10u);
  EXPECT_EQ(store_->copies, 28);  // each once, once it is three days old
}

TEST_F(KeeperTest, NothingIsDroppedBeforeItIsKept) {
  RunId run = Trace();
  store_->away = true;
  clock_.Advance(days(20));
  EXPECT_FALSE(keeper_->Round());
  EXPECT_EQ(Trouble(run), "");
  store_->away = false;
  Round();
  EXPECT_EQ(Objects("week/"), 0u);
  EXPECT_EQ(Trouble(run), "");
}

TEST_F(KeeperTest, WhatIsGoneFromTheStoreHoldsNothingUp) {
  RunId gone = Trace(), there = Trace();
  store_->objects.erase(*TraceKey("demo", gone));
  Pass(days(10));
  EXPECT_EQ(Trouble(there), "");
  EXPECT_EQ(Trouble(gone), "no object");  // its row is there
  EXPECT_THAT(*archive_->index().days().Days(), SizeIs(0));
}

TEST_F(KeeperTest, ASlotThatIsWrittenOverMeanwhileIsNotMarked) {
  RunId old = Trace();
  clock_.Advance(days(4));
  auto slots = archive_->index().ring().Unkept(clock_.Wall(), 10);
  ASSERT_EQ(slots->size(), 1u);
  std::vector<RunId> runs;
  for (int i = 0; i < 10; ++i) runs.push_back(Trace());
  auto trace = archive_->index().Get("demo", old);
  ASSERT_TRUE(archive_->index().ring().Keep((*slots)[0], *trace));
  EXPECT_EQ(archive_->index().ring().Get("demo", old).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(archive_->index().ring().Unkept(clock_.Wall() + hours(1), 100)->size(), 10u);
}

TEST_F(KeeperTest, ARemovedHandlersSlotsAreEmptiedAfterEightDays) {
  Deploy({1, 2});
  RunId one = Trace(1), two = Trace(2);
  Pass(days(20));
  Deploy({1});
  Pass(days(8));
  EXPECT_EQ(Trouble(two), "");
  Pass(days(1));
  EXPECT_EQ(Missing(two), ErrorCode::kExpired);
  EXPECT_EQ(Trouble(one), "");
  EXPECT_EQ(Objects("kept/demo/2/"), 0u);
  EXPECT_EQ(archive_->index().ring().RemovedBefore(WallTime::max(), 10)->size(), 0u);
}

TEST_F(KeeperTest, AHandlerThatCameBackKeepsItsTraces) {
  Deploy({1, 2});
  RunId two = Trace(2);
  Pass(days(20));
  Deploy({1});
  Pass(days(5));
  Deploy({1, 2});
  Pass(days(20));
  EXPECT_EQ(Trouble(two), "");
  // Removed again, its eight days begin again.
  Deploy({1});
  Pass(days(8));
  EXPECT_EQ(Trouble(two), "");
}

TEST_F(KeeperTest, AHeldTraceStaysUntilItIsReleased) {
  RunId held = Trace();
  for (int i = 0; i < 10; ++i) Trace();
  auto hold = keeper_->Hold(Order(held));
  ASSERT_TRUE(hold) << hold.error().ToString();
  EXPECT_EQ(hold->reason(), "abuse report 7");
  EXPECT_EQ(hold->by(), "uid 0");
  EXPECT_EQ(hold->held_unix_us(), UnixMicros(clock_.Wall()));
  EXPECT_EQ(hold->trace().handler(), "GET /x");
  EXPECT_EQ(keeper_->Hold(Order(held)).error().code, ErrorCode::kExists);
  Pass(days(30));
  EXPECT_EQ(Trouble(held), "");
  EXPECT_EQ(archive_->index().holds().List("")->holds_size(), 1);
  proto::ListTraces question;
  question.set_canvas("demo");
  question.set_rows_max(100);
  EXPECT_EQ(archive_->index().List(question)->traces_size(), 11);
  ASSERT_TRUE(keeper_->Release(Letting(held)));
  EXPECT_EQ(Missing(held), ErrorCode::kExpired);
  EXPECT_EQ(Objects("evidence/"), 0u);
  EXPECT_EQ(keeper_->Release(Letting(held)).error().code, ErrorCode::kNotFound);
}

TEST_F(KeeperTest, AKeptTraceCanBeHeldToo) {
  RunId kept = Trace();
  Pass(days(20));
  ASSERT_TRUE(keeper_->Hold(Order(kept)));
  for (int i = 0; i < 10; ++i) Trace();
  Pass(days(20));
  EXPECT_EQ(Trouble(kept), "");
}

TEST_F(KeeperTest, AHoldOfWhatIsNotThereIsRefused) {
  RunId run = Trace(), old = RunId::New(clock_.Wall() - days(50));
  EXPECT_EQ(keeper_->Hold(Order(RunId::New(clock_.Wall()))).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(keeper_->Hold(Order(old)).error().code, ErrorCode::kExpired);
  store_->objects[*TraceKey("demo", run)] = store_->objects[*TraceKey("demo", Trace())];
  auto hold = keeper_->Hold(Order(run));
  EXPECT_EQ(hold.error().code, ErrorCode::kExpired);
  EXPECT_EQ(Objects("evidence/"), 0u);
  EXPECT_EQ(archive_->index().holds().Leftovers(10)->size(), 0u);
}

TEST_F(KeeperTest, AHoldOfWhatPolicyDidNotKeepIsRefused) {
  RunId run = RunId::New(clock_.Wall());
  IndexedTrace only_row;
  only_row.row.set_run_id(run.ToString());
  only_row.row.set_canvas("demo");
  only_row.row.set_not_kept(proto::NOT_KEPT_SAMPLE);
  ASSERT_TRUE(archive_->index().AddTrace(only_row));
  auto hold = keeper_->Hold(Order(run));
  ASSERT_FALSE(hold);
  EXPECT_EQ(hold.error().code, ErrorCode::kNotKept);
}

TEST_F(KeeperTest, WhatADeadWriterLeftOfAHoldIsRemoved) {
  RunId run = Trace();
  ASSERT_TRUE(archive_->index().Write([&] {
    return archive_->index().holds().Begin(run, *archive_->index().Get("demo", run), Order(run),
                                           clock_.Wall());
  }));
  ASSERT_TRUE(store_->Copy(*TraceKey("demo", run), *EvidenceKey("demo", run)));
  Round();
  EXPECT_EQ(Objects("evidence/"), 0u);
  EXPECT_EQ(archive_->index().holds().Leftovers(10)->size(), 0u);
  EXPECT_TRUE(keeper_->Hold(Order(run)));
}

TEST_F(KeeperTest, ABatchThatItCommitsIsStillTold) {
  clock_.Advance(std::chrono::milliseconds(1));
  RunId held = Trace();
  SealedRun sealed;
  sealed.ticket = 9;
  sealed.run = RunId::New(clock_.Wall());
  sealed.row.set_run_id(sealed.run.ToString());
  sealed.row.set_canvas("demo");
  archive_->Store(std::move(sealed));
  ASSERT_TRUE(keeper_->Hold(Order(held)));
  std::vector<StoredRun> stored = archive_->Commit();
  ASSERT_EQ(stored.size(), 1u);
  EXPECT_EQ(stored[0].ticket, 9u);
  EXPECT_EQ(stored[0].fate, StoredRun::Fate::kSafe);
}

TEST_F(KeeperTest, SaysThatTheArchiveIsBusy) {
  Keeper keeper(
      *store_, [](const auto&) { return false; }, clock_);
  EXPECT_EQ(keeper.Round().error().code, ErrorCode::kExhausted);
  EXPECT_EQ(keeper.Hold(Order(Trace())).error().code, ErrorCode::kExhausted);
}

}  // namespace
}  // namespace nightjar::testing
