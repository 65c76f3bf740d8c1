// What the archive makes of runs with rules: objects, rows, and what it remembers of them.
#include <gmock/gmock.h>

#include "supervisor/writer/archive.h"
#include "supervisor/writer/drain.h"
#include "tests/unit/writer/memory_store.h"
#include "tests/unit/writer/writer_rig.h"

namespace nightjar::testing {
namespace {

using ::testing::HasSubstr;

constexpr const char* kSampleLine = "trace_sample = none (policy.toml:2, default)";

class ArchiveRulesTest : public ::testing::Test {
 protected:
  ArchiveRulesTest() {
    rules_.set_one_in(0);
    rules_.set_one_in_by(kSampleLine);
    rules_.set_events_by("events");
    rules_.set_bytes_by("bytes");
    Open();
  }
  // As a writer does that comes after another one: the objects are where they were.
  void Open() {
    archive_.reset();
    auto store = std::make_unique<MemoryStore>();
    if (store_ != nullptr) store->objects = objects_;
    store_ = store.get();
    archive_ =
        std::make_unique<Archive>(std::move(store), *TraceIndex::Create(dir_ / "index.db", clock_),
                                  *Catalog::Create(dir_ / "catalog.db", clock_),
                                  *MissedIndex::Create(dir_ / "missed.db"), clock_);
  }
  // With so many pairs of events between its first one and its last.
  SealedRun Run(const RunId& run, int calls = 3, proto::Verdict verdict = proto::VERDICT_FINISHED) {
    FakeWorker worker;
    Drain drain(clock_);
    EXPECT_TRUE(drain.Attach(1, "demo", worker.ring()));
    proto::RunBegan began = Began(1, run);
    began.set_revision(revision_);
    *began.mutable_trace_rules() = rules_;
    EXPECT_TRUE(drain.Begin(std::move(began)));
    worker.WholeRun(run, calls);
    SealedRun sealed = *drain.End(Ended(1, run, verdict));
    EXPECT_TRUE(sealed.object.empty()) << "nothing is made of it yet";
    return sealed;
  }
  StoredRun Store(SealedRun run) {
    archive_->Store(std::move(run));
    std::vector<StoredRun> stored = archive_->Commit();
    EXPECT_EQ(stored.size(), 1u);
    EXPECT_EQ(stored[0].error, "");
    objects_ = store_->objects;
    return stored[0];
  }
  // The first of its revision, which is kept, so that the next one is not.
  RunId StoreFirst() {
    RunId run = RunAt(0);
    EXPECT_EQ(Store(Run(run)).not_kept, proto::NOT_KEPT_NOTHING);
    return run;
  }
  proto::TraceRow Row(const RunId& run) { return archive_->index().Get("demo", run)->row; }
  proto::TraceDocument Read(const RunId& run) {
    auto found = archive_->index().Get("demo", run);
    auto object = archive_->objects().Get(found->object_key, bounds::kTraceContainerBytes);
    return Document(found->row, object ? *object : "");
  }
  int Listed() {
    proto::ListTraces question;
    question.set_canvas("demo");
    question.set_rows_max(100);
    return archive_->index().List(question)->traces_size();
  }

  TempDir dir_;
  FakeClock clock_;
  proto::TraceRules rules_;
  RevisionNumber revision_ = 3;
  MemoryStore* store_ = nullptr;
  std::map<std::string, std::string> objects_;
  std::unique_ptr<Archive> archive_;
};

TEST_F(ArchiveRulesTest, WhatIsNotKeptHasItsRowAndNoObject) {
  StoreFirst();
  RunId run = RunAt(1);
  StoredRun stored = Store(Run(run));
  EXPECT_EQ(stored.not_kept, proto::NOT_KEPT_SAMPLE);
  EXPECT_EQ(stored.bytes, 0u);
  EXPECT_EQ(store_->objects.size(), 1u);
  EXPECT_EQ(Listed(), 2);
  proto::TraceRow row = Row(run);
  EXPECT_EQ(row.not_kept(), proto::NOT_KEPT_SAMPLE);
  EXPECT_EQ(row.not_kept_by(), kSampleLine);
  EXPECT_EQ(row.detail(), "");
  EXPECT_EQ(row.stored_bytes(), 0u);
  EXPECT_EQ(row.usage().wall_us(), 5000u);
}

TEST_F(ArchiveRulesTest, WhatIsKeptIsWhatItWouldBeWithoutRules) {
  rules_.set_one_in(1);
  RunId run = RunAt(1);
  StoredRun stored = Store(Run(run, 5));
  EXPECT_EQ(stored.not_kept, proto::NOT_KEPT_NOTHING);
  EXPECT_EQ(stored.bytes, store_->objects.begin()->second.size());
  EXPECT_EQ(Read(run).events_size(), 12);
  EXPECT_FALSE(Read(run).incomplete_object());
  EXPECT_EQ(Row(run).not_kept_by(), "");
}

TEST_F(ArchiveRulesTest, ErrorsAndKillsAreKept) {
  StoreFirst();
  RunId error = RunAt(1), kill = RunAt(2);
  Store(Run(error, 3, proto::VERDICT_PROGRAM_ERROR));
  Store(Run(kill, 3, proto::VERDICT_WALL_TIME));
  EXPECT_EQ(Read(error).events_size(), 8);
  EXPECT_EQ(Read(kill).events_size(), 8);
  EXPECT_TRUE(archive_->index().GetIncident(kill));
}

TEST_F(ArchiveRulesTest, TheFirstOfEachRevisionIsKeptOnceWhoeverIsStarted) {
  StoreFirst();
  Open();
  EXPECT_EQ(Store(Run(RunAt(1))).not_kept, proto::NOT_KEPT_SAMPLE) << "an earlier writer had one";
  revision_ = 4;
  Open();
  EXPECT_EQ(Store(Run(RunAt(2))).not_kept, proto::NOT_KEPT_NOTHING);
  EXPECT_EQ(Store(Run(RunAt(3))).not_kept, proto::NOT_KEPT_SAMPLE);
  revision_ = 3;  // one that was under way
  EXPECT_EQ(Store(Run(RunAt(4))).not_kept, proto::NOT_KEPT_SAMPLE);
}

TEST_F(ArchiveRulesTest, AnErrorIsNotTheFirstOfARevision) {
  Store(Run(RunAt(1), 3, proto::VERDICT_PROGRAM_ERROR));
  EXPECT_EQ(Store(Run(RunAt(2))).not_kept, proto::NOT_KEPT_NOTHING);
  EXPECT_EQ(Store(Run(RunAt(3))).not_kept, proto::NOT_KEPT_SAMPLE);
}

TEST_F(ArchiveRulesTest, AFirstThatWasLostIsNone) {
  store_->full = true;
  archive_->Store(Run(RunAt(1)));
  EXPECT_THAT(archive_->Commit()[0].error, HasSubstr("No space left"));
  store_->full = false;
  EXPECT_EQ(Store(Run(RunAt(2))).not_kept, proto::NOT_KEPT_NOTHING);
}

TEST_F(ArchiveRulesTest, ARunThatIsToldAgainStaysWhatItWas) {
  rules_.set_events_per_day(5);
  RunId first = StoreFirst(), second = RunAt(1);
  Store(Run(second));
  Open();
  for (const RunId& run : {first, second}) {
    SealedRun again = Run(run);
    again.resumed = true;
    StoredRun stored = Store(std::move(again));
    EXPECT_EQ(stored.not_kept, run == first ? proto::NOT_KEPT_NOTHING : proto::NOT_KEPT_SAMPLE);
  }
  EXPECT_EQ(Read(first).events_size(), 8);
  auto spent = archive_->index().accounts().Spent(*TraceDay::Of(first), "demo");
  EXPECT_EQ(spent->events, 8u) << "once";
}

TEST_F(ArchiveRulesTest, BeyondTheEventsOnlyInputAndResultAreStored) {
  rules_.set_one_in(1);
  rules_.set_events_per_day(8);
  StoreFirst();
  RunId run = RunAt(1);
  StoredRun stored = Store(Run(run, 5));
  EXPECT_EQ(stored.not_kept, proto::NOT_KEPT_EVENTS);
  EXPECT_EQ(stored.events_not_kept, 10u);
  EXPECT_GT(stored.bytes, 0u);
  proto::TraceDocument document = Read(run);
  ASSERT_EQ(document.events_size(), 3);
  EXPECT_EQ(document.events(0).run_start().input().string(), "input");
  EXPECT_EQ(document.events(1).gap().dropped(), 10u);
  EXPECT_EQ(document.events(1).seq(), 11u);
  EXPECT_EQ(document.events(2).run_end().result().string(), "output");
  EXPECT_EQ(document.events(2).seq(), 12u);
  EXPECT_EQ(document.row().not_kept_by(), "events");
  EXPECT_EQ(document.row().events_not_kept(), 10u);
  EXPECT_FALSE(document.incomplete_object());
}

TEST_F(ArchiveRulesTest, WhatWasLostDoesNotLookCut) {
  rules_.set_one_in(1);
  rules_.set_events_per_day(1);
  StoreFirst();
  RunId run = RunAt(1);
  store_->full = true;
  archive_->Store(Run(run));
  EXPECT_THAT(archive_->Commit()[0].error, HasSubstr("No space left"));
  EXPECT_EQ(Row(run).not_kept(), proto::NOT_KEPT_NOTHING);
  EXPECT_EQ(Row(run).events_not_kept(), 0u);
  EXPECT_THAT(Row(run).detail(), HasSubstr("its trace was lost"));
}

TEST_F(ArchiveRulesTest, OfALargeTraceTooOnlyInputAndResultAreStored) {
  rules_.set_one_in(1);
  rules_.set_events_per_day(1);
  StoreFirst();
  RunId run = RunAt(1);
  StoredRun stored = Store(Run(run, 4000));  // some blocks are closed by then
  EXPECT_EQ(stored.events_not_kept, 8000u);
  EXPECT_LT(stored.bytes, 1000u);
  ASSERT_EQ(Read(run).events_size(), 3);
  EXPECT_EQ(Read(run).events(1).gap().dropped(), 8000u);
}

TEST_F(ArchiveRulesTest, ATraceWithoutEventsInBetweenIsWhole) {
  rules_.set_one_in(1);
  rules_.set_events_per_day(1);
  StoreFirst();
  RunId run = RunAt(1);
  EXPECT_EQ(Store(Run(run, 0)).not_kept, proto::NOT_KEPT_NOTHING);
  EXPECT_EQ(Read(run).events_size(), 2);
  EXPECT_EQ(Row(run).not_kept_by(), "");
}

TEST_F(ArchiveRulesTest, BeyondTheBytesThereIsOnlyTheRowButOfKills) {
  rules_.set_one_in(1);
  rules_.set_bytes_per_day(1);
  RunId first = StoreFirst(), error = RunAt(1), kill = RunAt(2);
  EXPECT_EQ(Store(Run(error, 3, proto::VERDICT_PROGRAM_ERROR)).not_kept, proto::NOT_KEPT_BYTES);
  EXPECT_EQ(Store(Run(kill, 3, proto::VERDICT_MEMORY)).not_kept, proto::NOT_KEPT_NOTHING);
  EXPECT_EQ(Row(error).not_kept_by(), "bytes");
  EXPECT_EQ(Read(kill).events_size(), 8);
  auto spent = archive_->index().accounts().Spent(*TraceDay::Of(first), "demo");
  EXPECT_EQ(spent->bytes, Row(first).stored_bytes() + Row(kill).stored_bytes());
}

TEST_F(ArchiveRulesTest, BudgetsAreADaysAndOutliveTheWriter) {
  rules_.set_one_in(1);
  rules_.set_bytes_per_day(1);
  StoreFirst();
  Open();
  EXPECT_EQ(archive_->index().accounts().used_up(), 1u);
  EXPECT_EQ(Store(Run(RunAt(1))).not_kept, proto::NOT_KEPT_BYTES);
  constexpr std::chrono::hours kDay(24);
  clock_.Advance(kDay);
  EXPECT_EQ(archive_->index().accounts().used_up(), 0u);
  EXPECT_EQ(Store(Run(RunAt(std::chrono::milliseconds(kDay).count()))).not_kept,
            proto::NOT_KEPT_NOTHING);
  EXPECT_EQ(archive_->index().accounts().used_up(), 1u);
}

TEST_F(ArchiveRulesTest, ABudgetThatIsRaisedIsNotUsedUp) {
  rules_.set_one_in(1);
  rules_.set_bytes_per_day(1);
  StoreFirst();
  EXPECT_EQ(Store(Run(RunAt(1))).not_kept, proto::NOT_KEPT_BYTES);
  rules_.set_bytes_per_day(1 << 20);
  EXPECT_EQ(Store(Run(RunAt(2))).not_kept, proto::NOT_KEPT_NOTHING);
  EXPECT_EQ(archive_->index().accounts().used_up(), 0u);
}

TEST_F(ArchiveRulesTest, WhatWasLostAndWouldNotHaveBeenKeptWasNotLost) {
  StoreFirst();
  RunId run = RunAt(1), error = RunAt(2);
  SealedRun lost = Run(run), error_lost = Run(error, 3, proto::VERDICT_PROGRAM_ERROR);
  for (SealedRun* one : {&lost, &error_lost}) {
    one->unsealed = {};
    one->lost = "the disk is too slow";
  }
  EXPECT_EQ(Store(std::move(lost)).not_kept, proto::NOT_KEPT_SAMPLE);
  archive_->Store(std::move(error_lost));
  EXPECT_EQ(archive_->Commit()[0].error, "the disk is too slow");
  EXPECT_EQ(Row(run).detail(), "");
  EXPECT_THAT(Row(error).detail(), HasSubstr("its trace was lost"));
}

TEST_F(ArchiveRulesTest, OnlyRowsTakeNoTracesPlaceAmongTheLastTen) {
  StoreFirst();
  for (int i = 1; i <= 30; ++i) Store(Run(RunAt(i)));
  auto slots = archive_->index().ring().Unkept(WallTime::max(), 100);
  ASSERT_TRUE(slots);
  EXPECT_EQ(slots->size(), 1u);
  EXPECT_EQ(Listed(), 31);
}

TEST_F(ArchiveRulesTest, WhatIsRememberedOfAHandlerAndADayGoesWithThem) {
  rules_.set_bytes_per_day(1);
  RunId first = StoreFirst();
  TraceAccounts& accounts = archive_->index().accounts();
  const HandlerId handler{"demo", 11};
  EXPECT_FALSE(*accounts.IsFirst(handler, revision_, RunAt(1)));
  EXPECT_TRUE(*accounts.IsFirst(handler, revision_, first)) << "it is itself";
  ASSERT_TRUE(accounts.ForgetFirst(handler));
  EXPECT_TRUE(*accounts.IsFirst(handler, revision_, RunAt(1)));
  const TraceDay day = *TraceDay::Of(first);
  EXPECT_GT(accounts.Spent(day, "demo")->bytes, 0u);
  ASSERT_TRUE(accounts.Drop(day));
  EXPECT_EQ(*accounts.Spent(day, "demo"), TraceSpending());
}

}  // namespace
}  // namespace nightjar::testing
