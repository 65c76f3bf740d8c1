#include "supervisor/writer/archive.h"

#include <gmock/gmock.h>

#include "supervisor/writer/drain.h"
#include "tests/unit/writer/memory_store.h"
#include "tests/unit/writer/writer_rig.h"

namespace nightjar::testing {
namespace {

using ::testing::HasSubstr;

class ArchiveTest : public ::testing::Test {
 protected:
  ArchiveTest() {
    auto store = std::make_unique<MemoryStore>();
    store_ = store.get();
    archive_ =
        std::make_unique<Archive>(std::move(store), *TraceIndex::Create(dir_ / "index.db", clock_),
                                  *Catalog::Create(dir_ / "catalog.db", clock_),
                                  *MissedIndex::Create(dir_ / "missed.db"), clock_);
  }
  // A run with this many pairs of events, sealed.
  SealedRun Run(const RunId& run, int calls, proto::Verdict verdict = proto::VERDICT_FINISHED) {
    FakeWorker worker;
    Drain drain(clock_);
    EXPECT_TRUE(drain.Attach(1, "demo", worker.ring()));
    EXPECT_TRUE(drain.Begin(Began(1, run)));
    worker.WholeRun(run, calls);
    SealedRun sealed = *drain.End(Ended(1, run, verdict));
    sealed.ticket = 44;
    return sealed;
  }
  proto::TraceDocument Read(const RunId& run) {
    auto found = archive_->index().Get("demo", run);
    EXPECT_TRUE(found) << found.error().ToString();
    auto object = archive_->objects().Get(found->object_key, bounds::kTraceContainerBytes);
    return Document(found->row, object ? *object : "");
  }

  TempDir dir_;
  FakeClock clock_;
  MemoryStore* store_;
  std::unique_ptr<Archive> archive_;
};

TEST_F(ArchiveTest, StoresThenListsThenAcknowledges) {
  RunId run = RunAt(1);
  archive_->Store(Run(run, 3));
  EXPECT_EQ(store_->objects.size(), 1u);
  EXPECT_EQ(archive_->Due(), clock_.Mono() + bounds::kIndexBatchTime);
  std::vector<StoredRun> stored = archive_->Commit();
  ASSERT_EQ(stored.size(), 1u);
  EXPECT_EQ(stored[0].ticket, 44u);
  EXPECT_EQ(stored[0].run, run);
  EXPECT_EQ(stored[0].bytes, store_->objects.begin()->second.size());
  EXPECT_EQ(stored[0].error, "");
  EXPECT_FALSE(archive_->Due());
  EXPECT_EQ(Read(run).events_size(), 8);
  EXPECT_EQ(Read(run).row().stored_bytes(), stored[0].bytes);
}

TEST_F(ArchiveTest, ARunWithoutItsEventsReplacesNoneThatHasThem) {
  RunId run = RunAt(1);
  archive_->Store(Run(run, 3));
  EXPECT_EQ(archive_->Commit().size(), 1u);
  SealedRun again = Run(run, 0);
  again.events = 0;
  again.row.mutable_usage()->set_trace_events(8);
  archive_->Store(std::move(again));
  EXPECT_EQ(archive_->Commit().size(), 1u) << "it is acknowledged all the same";
  EXPECT_EQ(Read(run).events_size(), 8);
}

TEST_F(ArchiveTest, SaysInTheRowThatTheDiskWasFull) {
  RunId run = RunAt(1), later = RunAt(2);
  store_->full = true;
  archive_->Store(Run(run, 3, proto::VERDICT_MEMORY));
  store_->full = false;
  archive_->Store(Run(later, 3));
  std::vector<StoredRun> stored = archive_->Commit();
  ASSERT_EQ(stored.size(), 2u);
  EXPECT_THAT(stored[0].error, HasSubstr("No space left"));
  EXPECT_EQ(stored[0].bytes, 0u);
  EXPECT_EQ(stored[1].error, "");
  proto::TraceDocument document = Read(run);
  EXPECT_THAT(document.row().detail(),
              HasSubstr("its trace was lost: writing a trace: No space left"));
  EXPECT_TRUE(document.incomplete_object());
  EXPECT_TRUE(archive_->index().GetIncident(run));
  EXPECT_EQ(Read(later).events_size(), 8);
}

TEST_F(ArchiveTest, AcknowledgesWhatADeadWriterHadStored) {
  RunId run = RunAt(1);
  archive_->Store(Run(run, 3));
  archive_->Commit();
  SealedRun again = Run(run, 0);
  again.resumed = true;
  archive_->Store(std::move(again));
  std::vector<StoredRun> stored = archive_->Commit();
  ASSERT_EQ(stored.size(), 1u);
  EXPECT_GT(stored[0].bytes, 0u);
  EXPECT_EQ(Read(run).events_size(), 8);
}

TEST_F(ArchiveTest, KeepsTheObjectOfADeadWriterWithoutItsRow) {
  RunId run = RunAt(1);
  SealedRun whole = Run(run, 3);
  store_->objects[*TraceKey("demo", run)] = whole.object;
  SealedRun rest = Run(run, 0);
  rest.resumed = true;
  archive_->Store(std::move(rest));
  archive_->Commit();
  EXPECT_EQ(Read(run).events_size(), 8);
}

TEST_F(ArchiveTest, SaysInTheRowThatTheEventsOfALeftRunAreGone) {
  RunId gone = RunAt(1), stored = RunAt(2);
  archive_->Store(Run(stored, 3));
  archive_->Commit();
  for (const RunId& run : {gone, stored}) {
    SealedRun left = Run(run, 0);
    left.resumed = true;
    left.eventless = "nobody had them";
    archive_->Store(std::move(left));
  }
  archive_->Commit();
  EXPECT_EQ(Read(gone).row().detail(), "its events were lost: nobody had them");
  EXPECT_EQ(Read(stored).row().detail(), "");
  EXPECT_EQ(Read(stored).events_size(), 8);
}

TEST_F(ArchiveTest, KeepsAnIncidentWithoutARun) {
  Drain drain(clock_);
  RunId run = RunAt(1);
  archive_->Store(*drain.End(Ended(0, run, proto::VERDICT_REFUSED)));
  EXPECT_EQ(archive_->Commit()[0].error, "");
  EXPECT_TRUE(store_->objects.empty());
  EXPECT_TRUE(archive_->index().GetIncident(run));
  EXPECT_FALSE(archive_->index().Get("demo", run));
}

TEST_F(ArchiveTest, NeverWritesOutsideItsTree) {
  SealedRun run = Run(RunAt(1), 1);
  run.row.set_canvas("../../etc");
  archive_->Store(std::move(run));
  EXPECT_NE(archive_->Commit()[0].error, "");
  EXPECT_TRUE(store_->objects.empty());
}

TEST_F(ArchiveTest, TellsThatObjectsWereMovedOnceThatIsSafe) {
  const RunId run = RunAt(1), other = RunAt(2);
  for (const RunId& one : {run, other}) archive_->Store(Run(one, 1));
  archive_->Commit();
  std::vector<std::string> keys = {archive_->index().Get("demo", run)->object_key,
                                   archive_->index().Get("demo", other)->object_key};
  EXPECT_TRUE(archive_->IsListed(keys[0]));
  std::optional<Status> moved;
  archive_->MoveObjects(keys, "week/2023-11-14/demo/pack-x.njt",
                        [&](const Status& status) { moved = status; });
  EXPECT_FALSE(moved);
  ASSERT_TRUE(archive_->Due());  // also without a run that waits
  EXPECT_TRUE(archive_->Commit().empty());
  EXPECT_TRUE(moved && *moved);
  EXPECT_EQ(archive_->index().Get("demo", run)->object_key, "week/2023-11-14/demo/pack-x.njt");
  EXPECT_FALSE(archive_->IsListed(keys[0]));
  EXPECT_FALSE(archive_->Due());
}

TEST_F(ArchiveTest, MovesOnlyWhatIsOfOneCanvas) {
  std::vector<std::string> keys = {*TraceKey("demo", RunAt(1)), *TraceKey("other", RunAt(2))};
  std::optional<Status> moved;
  archive_->MoveObjects(keys, "week/1970-01-01/demo/pack-x.njt",
                        [&](const Status& status) { moved = status; });
  EXPECT_TRUE(moved && !*moved);
  EXPECT_FALSE(archive_->IsListed(keys[0])) << "without a row";
}

}  // namespace
}  // namespace nightjar::testing
