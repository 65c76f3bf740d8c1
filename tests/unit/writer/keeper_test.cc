#include "supervisor/writer/keeper.h"

#include <gmock/gmock.h>

#include "supervisor/writer/answers.h"
#include "supervisor/writer/trace_builder.h"
#include "supervisor/writer/trace_pack.h"
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
          if (asks_left_ == 0) return false;
          if (asks_left_ > 0) --asks_left_;
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

  // Of this run, stored. `error`: what was said of it.
  RunId Patch(const RunId& base, const std::string& error = "", unsigned status = 200) {
    clock_.Advance(std::chrono::milliseconds(1));
    SealedRun sealed;
    sealed.run = RunId::New(clock_.Wall());
    sealed.row.set_run_id(sealed.run.ToString());
    sealed.row.set_canvas("demo");
    sealed.row.set_tlid(1);
    sealed.row.set_http_status(status);
    sealed.row.mutable_patch()->set_run_id(base.ToString());
    sealed.row.mutable_patch()->set_function("f");
    proto::StoredRun stored;
    *stored.mutable_row() = sealed.row;
    sealed.object = TraceBuilder(compressor_).Seal(std::move(stored));
    RunId run = sealed.run;
    archive_->Store(std::move(sealed));
    EXPECT_THAT(archive_->Commit()[0].error, HasSubstr(error));
    return run;
  }
  // Of a trace as a reader gets them; each can be read.
  std::vector<RunId> PatchesOf(const RunId& base) {
    auto found = archive_->index().Get("demo", base);
    EXPECT_TRUE(found) << found.error().ToString();
    std::vector<RunId> runs;
    auto patches = archive_->index().PatchesOf(*found);
    for (const IndexedTrace& patch : *patches) {
      runs.push_back(*RunId::Parse(patch.row.run_id()));
      auto reader = TraceReader::Open(store_->objects[patch.object_key]);
      EXPECT_TRUE(reader && reader->Find(runs.back()) != nullptr) << patch.object_key;
      auto alone = archive_->index().GetPatch("demo", runs.back());
      EXPECT_TRUE(alone && alone->object_key == patch.object_key) << patch.object_key;
    }
    return runs;
  }
  Result<proto::TraceDeleted> Delete(const RunId& run) {
    proto::DeleteTrace order;
    order.set_canvas("demo");
    order.set_run_id(std::string(run.bytes()));
    order.set_reason("a customer asked");
    order.set_by("uid 0");
    return keeper_->Delete(order);
  }
  // As the uploader does it.
  std::string Pack(const std::vector<RunId>& runs) {
    TracePack pack(compressor_);
    std::vector<std::string> keys;
    for (const RunId& run : runs) {
      keys.push_back(*TraceKey("demo", run));
      EXPECT_TRUE(pack.Add(store_->objects[keys.back()]));
    }
    std::string key = PackKey(keys[0], RunId::New(clock_.Wall()));
    store_->objects[key] = pack.Seal();
    archive_->MoveObjects(keys, key, [](const Status& moved) { EXPECT_TRUE(moved); });
    archive_->Commit();
    for (const std::string& single : keys) store_->objects.erase(single);
    return key;
  }
  // Whether any object has anything of it.
  bool LeftOf(const RunId& run) {
    for (const auto& [key, object] : store_->objects) {
      auto reader = TraceReader::Open(object);
      if (!reader || reader->damaged() || reader->Find(run) != nullptr) return true;
    }
    return false;
  }
  size_t Unfinished() { return archive_->index().deletions().Erasures({}, 100)->size(); }

  TempDir dir_;
  FakeClock clock_;
  Compressor compressor_;
  MemoryStore* store_ = nullptr;
  std::unique_ptr<Archive> archive_;
  std::optional<Keeper> keeper_;
  RevisionNumber revision_ = 0;
  int asks_left_ = -1;  // until the archive takes no more: as if its process died. -1: never
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

TEST_F(KeeperTest, ADeletedTraceIsGone) {
  RunId run = Trace(), other = Trace();
  auto deleted = Delete(run);
  ASSERT_TRUE(deleted) << deleted.error().ToString();
  EXPECT_EQ(deleted->run_id(), run.ToString());
  EXPECT_EQ(deleted->by(), "uid 0");
  EXPECT_EQ(deleted->reason(), "a customer asked");
  EXPECT_EQ(deleted->deleted_unix_us(), UnixMicros(clock_.Wall()));
  EXPECT_EQ(deleted->not_yet(), "");
  auto found = archive_->index().Get("demo", run);
  EXPECT_EQ(found.error().code, ErrorCode::kDeleted);
  EXPECT_THAT(found.error().ToString(),
              HasSubstr("was deleted on 2023-11-14 by uid 0: a customer asked"));
  EXPECT_FALSE(LeftOf(run));
  EXPECT_EQ(Unfinished(), 0u);
  for (const char* function : {"", "f"}) {
    proto::ListTraces question;
    question.set_canvas("demo");
    question.set_function(function);
    auto list = archive_->index().List(question);
    ASSERT_EQ(list->traces_size(), 1) << function;
    EXPECT_EQ(list->traces(0).run_id(), other.ToString());
  }
  EXPECT_EQ(Delete(run).error().code, ErrorCode::kDeleted);
  EXPECT_EQ(Delete(RunId::New(clock_.Wall())).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(Delete(RunId::New(clock_.Wall() - days(50))).error().code, ErrorCode::kExpired);
  EXPECT_EQ(keeper_->Hold(Order(run)).error().code, ErrorCode::kDeleted);
  Pass(days(20));
  EXPECT_FALSE(LeftOf(run));
  EXPECT_EQ(Missing(run), ErrorCode::kExpired) << "nobody has to know for ever";
  EXPECT_EQ(Trouble(other), "");
}

TEST_F(KeeperTest, AKeptTraceIsDeletedToo) {
  RunId run = Trace(), other = Trace();
  Pass(days(4));
  EXPECT_EQ(Objects("kept/"), 2u);
  ASSERT_TRUE(Delete(run));
  EXPECT_FALSE(LeftOf(run));
  EXPECT_EQ(Objects("kept/"), 1u);
  Pass(days(20));
  ASSERT_TRUE(Delete(other));
  EXPECT_EQ(Missing(other), ErrorCode::kDeleted);
  EXPECT_EQ(Objects(""), 0u);
}

// For as long as a trace of its day would be there.
TEST_F(KeeperTest, ADeletedTraceIsNeverOneThatThereWasNot) {
  RunId run = Trace();
  ASSERT_TRUE(Delete(run));
  ErrorCode last = ErrorCode::kDeleted;
  for (int hour = 0; hour < 24 * 11; ++hour) {
    clock_.Advance(hours(1));
    Round();
    ErrorCode code = Missing(run);
    EXPECT_TRUE(code == last || code == ErrorCode::kExpired) << hour;
    last = code;
  }
  EXPECT_EQ(last, ErrorCode::kExpired);
}

// Its slot belongs to another by now, and its copy is there still.
TEST_F(KeeperTest, ADeletedTraceIsNotLeftInASlotThatItHasLost) {
  RunId run = Trace();
  Pass(days(4));
  for (int i = 0; i < 10; ++i) Trace();
  EXPECT_EQ(Objects("kept/"), 1u);
  ASSERT_TRUE(Delete(run));
  EXPECT_EQ(Objects("kept/"), 0u);
}

// A copy whose writer died before the slot said so.
TEST_F(KeeperTest, ADeletedTraceIsNotLeftInAHalfMadeCopy) {
  RunId run = Trace();
  clock_.Advance(days(4));
  ASSERT_TRUE(store_->Copy(*TraceKey("demo", run), *KeptKey("demo", 1, 1)));
  ASSERT_TRUE(Delete(run));
  EXPECT_FALSE(LeftOf(run));
  Round();
  EXPECT_EQ(Objects(""), 0u);
}

TEST_F(KeeperTest, AHeldTraceIsReleasedBeforeItIsDeleted) {
  RunId run = Trace();
  ASSERT_TRUE(keeper_->Hold(Order(run)));
  auto refused = Delete(run);
  EXPECT_EQ(refused.error().code, ErrorCode::kExists);
  EXPECT_THAT(refused.error().ToString(),
              HasSubstr("is held as evidence, by uid 0: abuse report 7; release it first"));
  EXPECT_EQ(Trouble(run), "");
  ASSERT_TRUE(keeper_->Release(Letting(run)));
  ASSERT_TRUE(Delete(run));
  EXPECT_EQ(Objects(""), 0u);
}

TEST_F(KeeperTest, APackIsRelievedOfADeletedTrace) {
  std::vector<RunId> runs = {Trace(), Trace(), Trace()};
  std::string pack = Pack(runs);
  ASSERT_TRUE(Delete(runs[1]));
  EXPECT_FALSE(LeftOf(runs[1]));
  EXPECT_EQ(Trouble(runs[0]), "");
  EXPECT_EQ(Trouble(runs[2]), "");
  ASSERT_TRUE(Delete(runs[0]));
  EXPECT_THAT(store_->objects, Contains(Key(pack)));
  ASSERT_TRUE(Delete(runs[2]));
  EXPECT_EQ(Objects(""), 0u) << "there is nothing left to keep it for";
}

// What is kept for one trace must not keep the others that travelled with it.
TEST_F(KeeperTest, OfAPackACopyHasItsRunAlone) {
  std::vector<RunId> runs = {Trace(1), Trace(2)};
  Pack(runs);
  ASSERT_TRUE(keeper_->Hold(Order(runs[0])));
  Pass(days(4));
  ASSERT_TRUE(Delete(runs[1]));
  EXPECT_FALSE(LeftOf(runs[1]));
  Pass(days(20));
  EXPECT_EQ(Trouble(runs[0]), "");
}

// It was deleted while the uploader had it on its way.
TEST_F(KeeperTest, APackThatComesBehindADeletionIsRelieved) {
  std::vector<RunId> runs = {Trace(), Trace()};
  const std::string single = store_->objects[*TraceKey("demo", runs[0])];
  ASSERT_TRUE(Delete(runs[0]));
  store_->objects[*TraceKey("demo", runs[0])] = single;
  Pack(runs);
  EXPECT_TRUE(LeftOf(runs[0]));
  EXPECT_EQ(Unfinished(), 1u);
  Round();
  EXPECT_FALSE(LeftOf(runs[0]));
  EXPECT_EQ(Missing(runs[0]), ErrorCode::kDeleted);
  EXPECT_EQ(Trouble(runs[1]), "");
}

TEST_F(KeeperTest, ADeletionThatCannotBeFinishedIsFinishedLater) {
  RunId run = Trace(), other = Trace();
  store_->away = true;
  auto deleted = Delete(run);
  ASSERT_TRUE(deleted);
  EXPECT_THAT(deleted->not_yet(), HasSubstr("the store is away"));
  EXPECT_EQ(Missing(run), ErrorCode::kDeleted);
  EXPECT_FALSE(keeper_->Round());
  store_->away = false;
  Round();
  EXPECT_EQ(Unfinished(), 0u);
  EXPECT_FALSE(LeftOf(run));
  EXPECT_EQ(Trouble(other), "");
}

TEST_F(KeeperTest, ADeletionIsWholeOrNotAtAllWhereverItsWriterDies) {
  for (int step = 0; step < 8; ++step) {
    clock_.Advance(days(20));
    RunId run = Trace(), other = Trace();
    Pack({run, other});
    clock_.Advance(days(4));
    Round();
    asks_left_ = step;
    (void)Delete(run);
    asks_left_ = -1;
    bool begun = Missing(run) == ErrorCode::kDeleted;
    EXPECT_EQ(begun, step > 0);
    Round();
    EXPECT_EQ(Unfinished(), 0u);
    EXPECT_EQ(LeftOf(run), !begun) << step;
    EXPECT_EQ(Trouble(other), "");
    EXPECT_EQ(Trouble(run) == "", !begun);
  }
}

// The supervisor had not heard that it was stored, and tells it again.
TEST_F(KeeperTest, ADeletedTraceDoesNotComeBack) {
  RunId run = Trace();
  ASSERT_TRUE(Delete(run));
  SealedRun again;
  again.run = run;
  again.resumed = true;
  again.row.set_run_id(run.ToString());
  again.row.set_canvas("demo");
  again.object = "object";
  again.incident.emplace().set_run_id(run.ToString());
  again.incident->set_canvas("demo");
  archive_->Store(std::move(again));
  std::vector<StoredRun> stored = archive_->Commit();
  ASSERT_EQ(stored.size(), 1u);
  EXPECT_EQ(stored[0].fate, StoredRun::Fate::kSafe);
  EXPECT_EQ(stored[0].error, "");
  EXPECT_EQ(Missing(run), ErrorCode::kDeleted);
  EXPECT_EQ(Objects(""), 0u);
  proto::ToWriter question;
  question.mutable_get_incident()->set_run_id(std::string(run.bytes()));
  auto incident = AnswerFrom(*archive_, question);
  ASSERT_TRUE(incident) << incident.error().ToString();
  EXPECT_THAT(incident->incident().trace_deleted(), HasSubstr("by uid 0: a customer asked"));
}

TEST_F(KeeperTest, APatchIsShownWithItsBaseAlone) {
  RunId base = Trace();
  const std::string key = *TraceKey("demo", base), object = store_->objects[key];
  std::vector<RunId> patches = {Patch(base), Patch(base)};
  EXPECT_EQ(PatchesOf(base), patches);
  EXPECT_EQ(store_->objects[key], object);
  EXPECT_THAT(store_->objects, Contains(Key(PatchKey(key, patches[0]))));
  EXPECT_EQ(archive_->index().GetPatch("demo", base).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(archive_->index().GetPatch("other", patches[0]).error().code, ErrorCode::kNotFound);
  proto::ListTraces question;
  question.set_canvas("demo");
  EXPECT_EQ(archive_->index().List(question)->traces_size(), 1);
  for (int i = 0; i < 9; ++i) Trace();
  Pass(days(10));
  EXPECT_EQ(Trouble(base), "") << "it is one of the newest ten: patches do not count";
  auto found = archive_->index().Get("demo", patches[0]);
  EXPECT_EQ(found.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(found.error().ToString(),
              HasSubstr("is a patch, which is shown with its trace " + base.ToString()));
}

TEST_F(KeeperTest, APatchIsKeptAndHeldAndLetGoWithItsBase) {
  RunId base = Trace(), other = Trace();
  std::vector<RunId> patches = {Patch(base)};
  Patch(other);
  ASSERT_TRUE(keeper_->Hold(Order(base)));
  patches.push_back(Patch(base));  // of one that is held
  Pass(days(4));
  patches.push_back(Patch(base));  // and kept
  EXPECT_EQ(Objects("week/"), 6u);
  EXPECT_EQ(Objects("kept/"), 6u);
  EXPECT_EQ(Objects("evidence/"), 4u);
  EXPECT_EQ(PatchesOf(base), patches);
  Pass(days(10));
  EXPECT_EQ(Objects("week/"), 0u);
  EXPECT_EQ(PatchesOf(base), patches) << "as evidence";
  ASSERT_TRUE(keeper_->Release(Letting(base)));
  EXPECT_EQ(Objects("evidence/"), 0u);
  EXPECT_EQ(PatchesOf(base), patches) << "as one of the last ten";
  patches.push_back(Patch(base));  // its day is long over
  EXPECT_EQ(PatchesOf(base), patches);
  for (int i = 0; i < 10; ++i) Trace();
  Pass(days(20));
  EXPECT_EQ(Missing(base), ErrorCode::kExpired);
  EXPECT_EQ(Objects(""), 10u);
  EXPECT_EQ(archive_->index().patches().Everywhere("demo", base)->size(), 0u);
}

TEST_F(KeeperTest, ARemovedHandlersPatchesAreEmptiedToo) {
  Deploy({1, 2});
  RunId base = Trace(2);
  Patch(base);
  Pass(days(20));
  EXPECT_EQ(Objects("kept/demo/2/"), 2u);
  Deploy({1});
  Pass(days(10));
  EXPECT_EQ(Objects(""), 0u);
  EXPECT_EQ(archive_->index().patches().Everywhere("demo", base)->size(), 0u);
}

TEST_F(KeeperTest, ADeletionTakesThePatches) {
  RunId base = Trace();
  RunId patch = Patch(base);
  Pass(days(4));
  Patch(base);
  ASSERT_TRUE(Delete(base));
  EXPECT_EQ(Objects(""), 0u);
  EXPECT_EQ(Unfinished(), 0u);
  EXPECT_EQ(Missing(patch), ErrorCode::kDeleted);
  EXPECT_FALSE(archive_->index().GetPatch("demo", patch));
  Patch(base, "was deleted on");  // it was under way
  EXPECT_EQ(Objects(""), 0u);
}

TEST_F(KeeperTest, ATraceHasSoManyPatchesAtMost) {
  RunId base = Trace();
  Patch(base, "", 400);
  EXPECT_EQ(PatchesOf(base).size(), 0u) << "nothing ran: its arguments were refused";
  for (size_t i = 0; i < bounds::kPatchesPerTrace; ++i) Patch(base);
  Patch(base, "has 16 patches, which is the most");
  EXPECT_EQ(PatchesOf(base).size(), bounds::kPatchesPerTrace);
  EXPECT_EQ(Objects(""), 1 + bounds::kPatchesPerTrace);
  Patch(RunId::New(clock_.Wall() - days(50)), "are over");
}

TEST_F(KeeperTest, WhatADeadWriterLeftOfAHoldTakesItsPatches) {
  for (int step = 0; step < 8; ++step) {
    RunId base = Trace();
    std::vector<RunId> patches = {Patch(base), Patch(base)};
    asks_left_ = step;
    (void)keeper_->Hold(Order(base));
    asks_left_ = -1;
    Round();
    bool held = archive_->index().holds().Find("demo", base).has_value();
    EXPECT_EQ(Objects("evidence/"), held ? 3u : 0u) << step;
    EXPECT_EQ(PatchesOf(base), patches);
    EXPECT_EQ(keeper_->Release(Letting(base)).has_value(), held);
    EXPECT_EQ(Objects("evidence/"), 0u) << step;
  }
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
