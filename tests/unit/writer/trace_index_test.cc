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
    row.set_handler(std::move(handler));
    row.set_received_unix_us(ms);
    row.set_verdict(verdict);
    return row;
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
  for (int64_t ms : {3, 1, 5, 2, 4}) ASSERT_TRUE(index_->AddTrace(Row(ms), "k"));
  ASSERT_TRUE(index_->AddTrace(Row(9, "other"), "k"));
  EXPECT_THAT(List(Question("demo")), ElementsAre(5, 4, 3));
  EXPECT_THAT(List(Question("other")), ElementsAre(9));
  EXPECT_THAT(List(Question("nobody")), IsEmpty());
}

TEST_F(TraceIndexTest, ListsByHandlerAndVerdict) {
  ASSERT_TRUE(index_->AddTrace(Row(1, "demo", "A", proto::VERDICT_MEMORY), "k"));
  ASSERT_TRUE(index_->AddTrace(Row(2, "demo", "B", proto::VERDICT_MEMORY), "k"));
  ASSERT_TRUE(index_->AddTrace(Row(3, "demo", "A"), "k"));
  ASSERT_TRUE(index_->AddTrace(Row(4, "demo", "B"), "k"));
  EXPECT_THAT(List(Question("demo", "A")), ElementsAre(3, 1));
  EXPECT_THAT(List(Question("demo", "", proto::VERDICT_MEMORY)), ElementsAre(2, 1));
  EXPECT_THAT(List(Question("demo", "", proto::VERDICT_FINISHED)), ElementsAre(4, 3));
  EXPECT_THAT(List(Question("demo", "A", proto::VERDICT_MEMORY)), ElementsAre(1));
  EXPECT_THAT(List(Question("demo", "B", proto::VERDICT_FINISHED)), ElementsAre(4));
}

TEST_F(TraceIndexTest, BoundsAList) {
  for (int64_t ms = 0; ms < 1100; ++ms) ASSERT_TRUE(index_->AddTrace(Row(ms), "k"));
  EXPECT_EQ(List(Question("demo", "", proto::VERDICT_UNSPECIFIED, 5000)).size(), bounds::kListRows);
}

TEST_F(TraceIndexTest, FindsARunByCanvasAndId) {
  proto::TraceRow row = Row(7);
  ASSERT_TRUE(index_->AddTrace(row, "the key"));
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
  ASSERT_TRUE(index_->AddTrace(row, "first"));
  ASSERT_TRUE(index_->AddTrace(row, "second"));
  EXPECT_EQ(index_->Get("demo", *RunId::Parse(row.run_id()))->object_key, "first");
}

TEST_F(TraceIndexTest, IsDueFiftyMillisecondsAfterTheFirstRow) {
  EXPECT_FALSE(index_->Due());
  MonoTime first = clock_.Mono();
  ASSERT_TRUE(index_->AddTrace(Row(1), "k"));
  clock_.Advance(std::chrono::milliseconds(30));
  ASSERT_TRUE(index_->AddTrace(Row(2), "k"));
  EXPECT_EQ(index_->Due(), first + bounds::kIndexBatchTime);
  ASSERT_TRUE(index_->Commit());
  EXPECT_FALSE(index_->Due());
}

TEST_F(TraceIndexTest, IsDueAtOnceWhenTheBatchIsFull) {
  for (size_t i = 0; i < bounds::kIndexBatchRows; ++i) {
    EXPECT_FALSE(index_->Due().value_or(MonoTime::max()) <= clock_.Mono());
    ASSERT_TRUE(index_->AddTrace(Row(static_cast<int64_t>(i)), "k"));
  }
  EXPECT_LE(index_->Due().value(), clock_.Mono());
}

TEST_F(TraceIndexTest, OnlyCommittedRowsAreSeenByOthers) {
  auto other = TraceIndex::Create(dir_ / "index.db", clock_);
  ASSERT_TRUE(other);
  ASSERT_TRUE(index_->AddTrace(Row(1), "k"));
  EXPECT_EQ((*other)->List(Question("demo"))->traces_size(), 0);
  ASSERT_TRUE(index_->Commit());
  EXPECT_EQ((*other)->List(Question("demo"))->traces_size(), 1);
}

TEST_F(TraceIndexTest, KeepsEverythingOverARestart) {
  ASSERT_TRUE(index_->AddTrace(Row(1), "k"));
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

}  // namespace
}  // namespace nightjar::testing
