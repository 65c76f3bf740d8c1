#include "supervisor/writer/trace_index.h"

#include <gmock/gmock.h>

#include "tests/unit/writer/writer_rig.h"

namespace nightjar::testing {
namespace {

class TraceIndexTest : public ::testing::Test {
 protected:
  TraceIndexTest() { Open(); }

  void Open() {
    index_.reset();
    auto index = TraceIndex::Create(dir_ / "index.db", clock_);
    ASSERT_TRUE(index) << index.error().ToString();
    index_ = std::move(*index);
  }
  proto::TraceRow Row(int64_t ms, std::string canvas = "demo", std::string handler = "GET /x",
                      proto::Verdict verdict = proto::VERDICT_FINISHED) {
    proto::TraceRow row;
    row.set_run_id(RunAt(ms).ToString());
    row.set_canvas(std::move(canvas));
    row.set_tlid(std::hash<std::string>()(handler));
    row.set_handler(std::move(handler));
    row.set_received_unix_us(ms);  // so that a list is easy to read
    row.set_verdict(verdict);
    return row;
  }
  Status Add(proto::TraceRow row, std::string key, std::vector<std::string> functions = {}) {
    IndexedTrace trace{std::move(row), {}, std::move(key)};
    for (std::string& function : functions) *trace.touched.add_functions() = std::move(function);
    return index_->AddTrace(trace);
  }
  std::vector<int64_t> List(proto::ListTraces question) {
    auto list = index_->List(question);
    EXPECT_TRUE(list) << list.error().ToString();
    std::vector<int64_t> received;
    for (const auto& row : list->traces()) received.push_back(row.received_unix_us());
    return received;
  }
  proto::ListTraces Question(std::string canvas, std::string handler = "",
                             proto::Verdict verdict = proto::VERDICT_UNSPECIFIED,
                             uint32_t rows = 3) {
    proto::ListTraces question;
    question.set_canvas(std::move(canvas));
    question.set_handler(std::move(handler));
    question.set_verdict(verdict);
    question.set_rows_max(rows);
    return question;
  }

  TempDir dir_;
  FakeClock clock_;
  std::unique_ptr<TraceIndex> index_;
};

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST_F(TraceIndexTest, ListsTheNewestFirst) {
  for (int64_t ms : {3, 1, 5, 2, 4}) ASSERT_TRUE(Add(Row(ms), "k"));
  ASSERT_TRUE(Add(Row(9, "other"), "k"));
  EXPECT_THAT(List(Question("demo")), ElementsAre(5, 4, 3));
  EXPECT_THAT(List(Question("other")), ElementsAre(9));
  EXPECT_THAT(List(Question("nobody")), IsEmpty());
}

TEST_F(TraceIndexTest, ListsByHandlerAndVerdict) {
  ASSERT_TRUE(Add(Row(1, "demo", "A", proto::VERDICT_MEMORY), "k"));
  ASSERT_TRUE(Add(Row(2, "demo", "B", proto::VERDICT_MEMORY), "k"));
  ASSERT_TRUE(Add(Row(3, "demo", "A"), "k"));
  ASSERT_TRUE(Add(Row(4, "demo", "B"), "k"));
  EXPECT_THAT(List(Question("demo", "A")), ElementsAre(3, 1));
  EXPECT_THAT(List(Question("demo", "", proto::VERDICT_MEMORY)), ElementsAre(2, 1));
  EXPECT_THAT(List(Question("demo", "", proto::VERDICT_FINISHED)), ElementsAre(4, 3));
  EXPECT_THAT(List(Question("demo", "A", proto::VERDICT_MEMORY)), ElementsAre(1));
  EXPECT_THAT(List(Question("demo", "B", proto::VERDICT_FINISHED)), ElementsAre(4));
}

TEST_F(TraceIndexTest, BoundsAList) {
  for (int64_t ms = 0; ms < 1100; ++ms) ASSERT_TRUE(Add(Row(ms), "k"));
  EXPECT_EQ(List(Question("demo", "", proto::VERDICT_UNSPECIFIED, 5000)).size(), bounds::kListRows);
}

TEST_F(TraceIndexTest, FindsARunByCanvasAndId) {
  proto::TraceRow row = Row(7);
  ASSERT_TRUE(Add(row, "the key"));
  RunId run = *RunId::Parse(row.run_id());
  auto found = index_->Get("demo", run);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->object_key, "the key");
  EXPECT_EQ(found->row.SerializeAsString(), row.SerializeAsString());
  auto missing = index_->Get("other", run);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
}

TEST_F(TraceIndexTest, LeavesARowThatIsThereAlone) {
  proto::TraceRow row = Row(7);
  ASSERT_TRUE(Add(row, "first"));
  ASSERT_TRUE(Add(row, "second"));
  EXPECT_EQ(index_->Get("demo", *RunId::Parse(row.run_id()))->object_key, "first");
}

TEST_F(TraceIndexTest, IsDueFiftyMillisecondsAfterTheFirstRow) {
  EXPECT_FALSE(index_->Due());
  MonoTime first = clock_.Mono();
  ASSERT_TRUE(Add(Row(1), "k"));
  clock_.Advance(std::chrono::milliseconds(30));
  ASSERT_TRUE(Add(Row(2), "k"));
  EXPECT_EQ(index_->Due(), first + bounds::kIndexBatchTime);
  ASSERT_TRUE(index_->Commit());
  EXPECT_FALSE(index_->Due());
}

TEST_F(TraceIndexTest, IsDueAtOnceWhenTheBatchIsFull) {
  for (size_t i = 0; i < bounds::kIndexBatchRows; ++i) {
    EXPECT_FALSE(index_->Due().value_or(MonoTime::max()) <= clock_.Mono());
    ASSERT_TRUE(Add(Row(static_cast<int64_t>(i)), "k"));
  }
  EXPECT_LE(index_->Due().value(), clock_.Mono());
}

TEST_F(TraceIndexTest, OnlyCommittedRowsAreSeenByOthers) {
  auto other = TraceIndex::Create(dir_ / "index.db", clock_);
  ASSERT_TRUE(other);
  ASSERT_TRUE(Add(Row(1), "k"));
  EXPECT_EQ((*other)->List(Question("demo"))->traces_size(), 0);
  ASSERT_TRUE(index_->Commit());
  EXPECT_EQ((*other)->List(Question("demo"))->traces_size(), 1);
}

TEST_F(TraceIndexTest, KeepsEverythingOverARestart) {
  ASSERT_TRUE(Add(Row(1), "k"));
  Open();
  EXPECT_THAT(List(Question("demo")), ElementsAre(1));
}

TEST_F(TraceIndexTest, ListsIncidentsOfOneCanvasAndOfAll) {
  for (int64_t ms : {1, 2, 3}) {
    proto::Incident incident;
    incident.set_run_id(RunAt(ms).ToString());
    incident.set_canvas(ms == 2 ? "other" : "demo");
    incident.set_verdict(proto::VERDICT_REFUSED);
    incident.set_detail("detail");
    incident.set_at_unix_us(ms);
    incident.mutable_refusal()->set_kind(proto::REFUSAL_RATE);
    ASSERT_TRUE(index_->AddIncident(incident));
    EXPECT_EQ(index_->GetIncident(*RunId::Parse(incident.run_id()))->refusal().kind(),
              proto::REFUSAL_RATE);
  }
  proto::ListIncidents all;
  all.set_rows_max(2);
  auto list = index_->ListIncidents(all);
  ASSERT_TRUE(list);
  ASSERT_EQ(list->incidents_size(), 2);
  EXPECT_EQ(list->incidents(0).at_unix_us(), 3);
  EXPECT_EQ(list->incidents(1).canvas(), "other");
  proto::ListIncidents of_demo;
  of_demo.set_canvas("demo");
  EXPECT_EQ(index_->ListIncidents(of_demo)->incidents_size(), 2);
  EXPECT_EQ(index_->GetIncident(RunAt(9)).error().code, ErrorCode::kNotFound);
}

TEST_F(TraceIndexTest, RefusesAnotherVersionsFile) {
  index_.reset();
  auto db = Database::Open(dir_ / "old.db", Durability::kLazy, "CREATE TABLE t (x)", 77);
  ASSERT_TRUE(db);
  db->reset();
  auto index = TraceIndex::Create(dir_ / "old.db", clock_);
  ASSERT_FALSE(index);
  EXPECT_EQ(index.error().code, ErrorCode::kUnsupported);
}

// A moment of days after the first; RunAt's milliseconds.
constexpr int64_t Days(int64_t days) {
  return days * 86'400'000;
}

class TraceQuestionsTest : public TraceIndexTest {
 protected:
  // Two days of traces: 1 to 4 on the first, 5 and 6 on the second.
  TraceQuestionsTest() {
    Put(1, 1, "A", "10.0.0.1:1000", {"fib", "owner/package/M::f_v0"}, 1);
    Put(2, 2, "B", "10.0.0.2:1000", {"fib"}, 1);
    Put(3, 3, "A", "[::1]:2000", {}, 2);
    Put(4, 4, "B", "10.0.0.1:3000", {"fact"}, 2);
    Put(5, Days(1) + 5, "A", "10.0.0.1:4000", {"fib"}, 2);
    Put(6, Days(1) + 6, "A", "uid 7 pid 12", {"fact", "fib"}, 3);
  }
  void Put(int64_t number, int64_t at_ms, const std::string& handler, std::string caller,
           std::vector<std::string> functions, uint64_t revision) {
    proto::TraceRow row = Row(at_ms, "demo", handler);
    row.set_tlid(handler == "A" ? 1 : 2);
    row.set_received_unix_us(number);
    row.set_caller(std::move(caller));
    row.set_revision(revision);
    ASSERT_TRUE(Add(row, "k", std::move(functions)));
  }
  proto::ListTraces Ask() { return Question("demo", "", proto::VERDICT_UNSPECIFIED, 10); }
  static int64_t Micros(int64_t ms) { return RunAt(ms).unix_ms() * 1000; }
};

TEST_F(TraceQuestionsTest, AreAnsweredAcrossDays) {
  EXPECT_THAT(List(Ask()), ElementsAre(6, 5, 4, 3, 2, 1));
  EXPECT_THAT(List(Question("demo")), ElementsAre(6, 5, 4));
}

TEST_F(TraceQuestionsTest, OfAHandlerByItsIdWhateverItWasCalled) {
  proto::ListTraces question = Ask();
  question.set_tlid(1);
  question.set_handler("another name");
  EXPECT_THAT(List(question), ElementsAre(6, 5, 3, 1));
}

TEST_F(TraceQuestionsTest, OfAFunction) {
  proto::ListTraces question = Ask();
  question.set_function("fib");
  EXPECT_THAT(List(question), ElementsAre(6, 5, 2, 1));
  question.set_function("owner/package/M::f_v0");
  EXPECT_THAT(List(question), ElementsAre(1));
  question.set_function("fi");
  EXPECT_THAT(List(question), IsEmpty());
}

TEST_F(TraceQuestionsTest, OfACallerOnAnyPort) {
  proto::ListTraces question = Ask();
  question.set_caller("10.0.0.1");
  EXPECT_THAT(List(question), ElementsAre(5, 4, 1));
  question.set_caller("10.0.0.1:77");
  EXPECT_THAT(List(question), ElementsAre(5, 4, 1));
  question.set_caller("::1");
  EXPECT_THAT(List(question), ElementsAre(3));
  question.set_caller("uid 7");
  EXPECT_THAT(List(question), ElementsAre(6));
}

TEST_F(TraceQuestionsTest, OfATime) {
  proto::ListTraces question = Ask();
  question.set_since_unix_us(Micros(3));
  EXPECT_THAT(List(question), ElementsAre(6, 5, 4, 3));
  question.set_until_unix_us(Micros(Days(1) + 6));
  EXPECT_THAT(List(question), ElementsAre(5, 4, 3));
  question.set_since_unix_us(Micros(3) + 1);
  question.set_until_unix_us(Micros(4) + 1);
  EXPECT_THAT(List(question), ElementsAre(4));
}

TEST_F(TraceQuestionsTest, OfAValueOfTheInput) {
  for (int64_t at : {7, 8, 9}) {
    IndexedTrace trace{Row(at), {}, "k"};
    proto::InputField& field = *trace.touched.add_fields();
    field.set_name(at == 9 ? "order" : "user_id");
    field.set_value(at == 7 ? std::string(bounds::kTraceIndexValueBytes, 'x') : "8");
    ASSERT_TRUE(index_->AddTrace(trace));
  }
  proto::ListTraces question = Ask();
  question.set_field("user_id");
  question.set_field_value("8");
  EXPECT_THAT(List(question), ElementsAre(8));
  // As long as it was, as much of it is known.
  question.set_field_value(std::string(bounds::kTraceIndexValueBytes + 9, 'x'));
  EXPECT_THAT(List(question), ElementsAre(7));
}

TEST_F(TraceQuestionsTest, OfSeveralThingsAtOnce) {
  proto::ListTraces question = Ask();
  question.set_function("fib");
  question.set_caller("10.0.0.1");
  EXPECT_THAT(List(question), ElementsAre(5, 1));
  question.set_revision(1);
  EXPECT_THAT(List(question), ElementsAre(1));
  question.set_tlid(2);
  EXPECT_THAT(List(question), IsEmpty());
  question = Ask();
  question.set_revision(2);
  EXPECT_THAT(List(question), ElementsAre(5, 4, 3));
}

TEST_F(TraceIndexTest, SaysWhereItStoppedLooking) {
  for (int64_t i = 0; i < 10; ++i) ASSERT_TRUE(Add(Row(i), "k"));
  proto::ListTraces question = Question("demo");
  question.set_revision(77);
  EXPECT_TRUE(index_->List(question, 10)->looked_enough());
  EXPECT_FALSE(index_->List(question, 11)->looked_enough());
  EXPECT_FALSE(index_->List(Question("demo"), 10)->looked_enough());
}

TEST_F(TraceIndexTest, MakesADaysTablesWhenItIsThereAndDropsThemWhole) {
  EXPECT_THAT(*index_->days().Days(), IsEmpty());
  ASSERT_TRUE(Add(Row(1), "k", {"f"}));
  ASSERT_TRUE(Add(Row(Days(1)), "k"));
  ASSERT_TRUE(index_->Commit());
  auto days = index_->days().Days();
  ASSERT_EQ(days->size(), 2u);
  EXPECT_EQ((*days)[0].Text(), "2023-11-15");
  EXPECT_EQ((*days)[1].Text(), "2023-11-14");
  ASSERT_TRUE(index_->Write([&] { return index_->days().Drop((*days)[1]); }));
  ASSERT_TRUE(index_->Commit());
  EXPECT_EQ(index_->days().Days()->size(), 1u);
  EXPECT_THAT(List(Question("demo")), ElementsAre(Days(1)));
  // A run that was left over comes late.
  ASSERT_TRUE(Add(Row(2), "k", {"f"}));
  EXPECT_THAT(List(Question("demo")), ElementsAre(Days(1), 2));
}

TEST_F(TraceIndexTest, ADayThatWasMadeInALostBatchIsMadeAgain) {
  auto other = Database::Open(dir_ / "index.db", Durability::kLazy, "", TraceIndex::kVersion);
  ASSERT_TRUE(other);
  Status failed = index_->Write([&]() -> Status {
    NJ_TRY(index_->days().Add(RunAt(1), {Row(1), {}, "k"}));
    return Fail(ErrorCode::kInternal, "something else");
  });
  EXPECT_FALSE(failed);
  EXPECT_THAT(*index_->days().Days(), IsEmpty());
  ASSERT_TRUE(Add(Row(1), "k"));
  EXPECT_THAT(List(Question("demo")), ElementsAre(1));
}

TEST_F(TraceIndexTest, TellsExpiredFromMissing) {
  const int64_t now = UnixMillis(clock_.Wall());
  auto code = [&](int64_t ms) {
    RunId run = RunId::New(WallTime(std::chrono::milliseconds(ms)));
    return index_->Get("demo", run).error().code;
  };
  EXPECT_EQ(code(now), ErrorCode::kNotFound);
  EXPECT_EQ(code(now + Days(30)), ErrorCode::kNotFound);
  EXPECT_EQ(code(now - Days(8)), ErrorCode::kNotFound);
  EXPECT_EQ(code(now - Days(9)), ErrorCode::kExpired);
  EXPECT_EQ(code(0), ErrorCode::kExpired);
  // While its table is there, it would be in it.
  ASSERT_TRUE(Add(Row(-Days(20)), "k"));
  EXPECT_EQ(code(RunAt(-Days(20)).unix_ms()), ErrorCode::kNotFound);
}

class UpgradeTest : public TraceIndexTest {
 protected:
  // What version 2 had, with `rows` in it.
  void MakeOld(const std::vector<proto::TraceRow>& rows) {
    index_.reset();
    auto db = Database::Open(
        dir_ / "old.db", Durability::kLazy,
        "CREATE TABLE traces (canvas TEXT NOT NULL, run_id BLOB NOT NULL, handler TEXT NOT NULL, "
        "tlid INTEGER NOT NULL, revision INTEGER NOT NULL, received_us INTEGER NOT NULL, verdict "
        "INTEGER NOT NULL, object_key TEXT NOT NULL, row BLOB NOT NULL, UNIQUE (canvas, run_id)); "
        "CREATE INDEX traces_by_handler ON traces (canvas, handler, run_id); "
        "CREATE INDEX traces_by_verdict ON traces (canvas, verdict, run_id) WHERE verdict <> 1; "
        "CREATE TABLE incidents (run_id BLOB NOT NULL UNIQUE, canvas TEXT NOT NULL, handler TEXT "
        "NOT NULL, verdict INTEGER NOT NULL, at_us INTEGER NOT NULL, detail TEXT NOT NULL, "
        "incident BLOB NOT NULL, link INTEGER, previous BLOB, hash BLOB); "
        "CREATE INDEX incidents_by_canvas ON incidents (canvas, run_id); "
        "CREATE UNIQUE INDEX incidents_by_link ON incidents (link); "
        "CREATE TABLE incident_chain (one INTEGER PRIMARY KEY CHECK (one = 1), begun_us INTEGER "
        "NOT NULL, unlinked INTEGER NOT NULL, links INTEGER NOT NULL, head BLOB NOT NULL)",
        2);
    ASSERT_TRUE(db) << db.error().ToString();
    auto add = (*db)->Prepare("INSERT INTO traces VALUES (?, ?, '', 0, 0, 0, 0, ?, ?)");
    ASSERT_TRUE(add);
    for (const proto::TraceRow& row : rows) {
      std::string encoded = row.SerializeAsString(), key = "key of " + row.run_id();
      if (row.detail() == "damaged") encoded = "\xff";
      add->BindText(1, row.canvas());
      RunId run = *RunId::Parse(row.run_id());
      add->BindBlob(2, run.bytes());
      add->BindText(3, key);
      add->BindBlob(4, encoded);
      ASSERT_TRUE(add->Run());
    }
  }
  void OpenOld() {
    auto index = TraceIndex::Create(dir_ / "old.db", clock_);
    ASSERT_TRUE(index) << index.error().ToString();
    index_ = std::move(*index);
  }
};

TEST_F(UpgradeTest, TakesOverEveryTrace) {
  std::vector<proto::TraceRow> rows;
  for (int64_t i = 0; i < 40; ++i)
    rows.push_back(Row(Days(i / 4) + i, i % 8 == 7 ? "other" : "demo"));
  rows.push_back(Row(3, "demo"));
  rows.back().set_detail("damaged");
  MakeOld(rows);
  OpenOld();
  for (int64_t i = 0; i < 40; ++i) {
    const proto::TraceRow& row = rows[static_cast<size_t>(i)];
    auto found = index_->Get(row.canvas(), *RunId::Parse(row.run_id()));
    ASSERT_TRUE(found) << found.error().ToString();
    EXPECT_EQ(found->row.SerializeAsString(), row.SerializeAsString());
    EXPECT_EQ(found->object_key, "key of " + row.run_id());
  }
  EXPECT_EQ(List(Question("demo", "", proto::VERDICT_UNSPECIFIED, 100)).size(), 35u);
  EXPECT_EQ(index_->days().Days()->size(), 10u);
  // The newest ten of each handler are in the ring.
  auto slots = index_->ring().Unkept(WallTime::max(), 100);
  ASSERT_TRUE(slots);
  ASSERT_EQ(slots->size(), 15u);
  EXPECT_EQ((*slots)[14].run.ToString(), rows[39].run_id());
  size_t of_demo = 0;
  for (const RingSlot& slot : *slots) of_demo += slot.handler.canvas == "demo";
  EXPECT_EQ(of_demo, 10u);
  // All of them may be of handlers that were removed before.
  EXPECT_EQ(index_->ring().RemovedBefore(WallTime::max(), 10)->size(), 2u);
  OpenOld();
  EXPECT_EQ(List(Question("demo", "", proto::VERDICT_UNSPECIFIED, 100)).size(), 35u);
}

TEST_F(UpgradeTest, AnEmptyStoreIsTakenOverToo) {
  MakeOld({});
  OpenOld();
  EXPECT_THAT(List(Question("demo")), IsEmpty());
  ASSERT_TRUE(Add(Row(1), "k"));
  EXPECT_THAT(List(Question("demo")), ElementsAre(1));
}

}  // namespace
}  // namespace nightjar::testing
