// What incidents are found by, in a whole index.
#include "supervisor/writer/incident_lists.h"

#include <gmock/gmock.h>

#include "ipc/core/bounds.h"
#include "supervisor/writer/trace_index.h"
#include "tests/unit/writer/writer_rig.h"

namespace nightjar::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const std::string kCode(64, 'a');
const std::string kOtherCode(64, 'b');

class IncidentListsTest : public ::testing::Test {
 protected:
  IncidentListsTest() { Open(); }
  void Open() {
    index_.reset();
    auto index = TraceIndex::Create(dir_ / "index.db", clock_);
    ASSERT_TRUE(index) << index.error().ToString();
    index_ = std::move(*index);
  }
  struct One {
    std::string canvas = "demo";
    proto::Verdict verdict = proto::VERDICT_WALL_TIME;
    std::string code = kCode;
    std::string caller = "127.0.0.1:4711";
  };
  proto::Incident Add(int64_t ms, const One& one) {
    proto::Incident incident;
    incident.set_run_id(RunAt(ms).ToString());
    incident.set_canvas(one.canvas);
    incident.set_handler("GET /");
    incident.set_verdict(one.verdict);
    incident.set_code_sha256(one.code);
    incident.set_caller(one.caller);
    incident.set_at_unix_us(ms);  // so that a list is easy to read
    EXPECT_TRUE(index_->AddIncident(incident));
    return incident;
  }
  std::vector<int64_t> Find(const proto::ListIncidents& question, bool more = false) {
    auto list = index_->ListIncidents(question);
    EXPECT_TRUE(list) << list.error().ToString();
    std::vector<int64_t> at;
    for (const auto& row : list->incidents()) at.push_back(row.at_unix_us());
    EXPECT_EQ(list->more(), more);
    return at;
  }
  static proto::ListIncidents Question() {
    proto::ListIncidents question;
    question.set_rows_max(100);
    return question;
  }
  // At an instant of RunAt().
  static int64_t UnixUs(int64_t ms) { return 1'700'000'000'000'000 + ms * 1000; }

  TempDir dir_;
  FakeClock clock_;
  std::unique_ptr<TraceIndex> index_;
};

TEST_F(IncidentListsTest, FindsByCodeOnEveryCanvasAndWithEveryVerdict) {
  Add(1, {.canvas = "one"});
  Add(2, {.canvas = "two", .verdict = proto::VERDICT_MEMORY});
  Add(3, {.code = kOtherCode});
  Add(4, {.code = ""});
  Add(5, {.canvas = "three", .verdict = proto::VERDICT_STEPS});
  proto::ListIncidents question = Question();
  question.set_code_sha256(kCode);
  EXPECT_THAT(Find(question), ElementsAre(5, 2, 1));
  question.set_verdict(proto::VERDICT_MEMORY);
  EXPECT_THAT(Find(question), ElementsAre(2));
  question.set_code_sha256(std::string(64, 'c'));
  EXPECT_THAT(Find(question), IsEmpty());
}

TEST_F(IncidentListsTest, FindsByCallerOnAnyPort) {
  Add(1, {.caller = "10.0.0.1:1"});
  Add(2, {.caller = "10.0.0.1:2"});
  Add(3, {.caller = "10.0.0.2:1"});
  Add(4, {.caller = "[::1]:80"});
  proto::ListIncidents question = Question();
  question.set_caller("10.0.0.1");
  EXPECT_THAT(Find(question), ElementsAre(2, 1));
  question.set_caller("10.0.0.2:9");
  EXPECT_THAT(Find(question), ElementsAre(3));
  question.set_caller("::1");
  EXPECT_THAT(Find(question), ElementsAre(4));
}

TEST_F(IncidentListsTest, FindsByCauseOnOneCanvasOrAll) {
  Add(1, {});
  Add(2, {.canvas = "other"});
  Add(3, {.verdict = proto::VERDICT_MEMORY});
  proto::ListIncidents question = Question();
  question.set_verdict(proto::VERDICT_WALL_TIME);
  EXPECT_THAT(Find(question), ElementsAre(2, 1));
  question.set_canvas("demo");
  EXPECT_THAT(Find(question), ElementsAre(1));
}

TEST_F(IncidentListsTest, FindsInATimeAndSaysThatThereAreMore) {
  for (int64_t ms = 1; ms <= 5; ++ms)
    Add(ms, {.verdict = ms % 2 ? proto::VERDICT_WALL_TIME : proto::VERDICT_PIDS});
  proto::ListIncidents question = Question();
  question.set_code_sha256(kCode);
  question.set_rows_max(3);
  EXPECT_THAT(Find(question, true), ElementsAre(5, 4, 3));
  question.set_since_unix_us(UnixUs(3));
  EXPECT_THAT(Find(question), ElementsAre(5, 4, 3));
  question.set_until_unix_us(UnixUs(5));
  EXPECT_THAT(Find(question), ElementsAre(4, 3));
}

TEST_F(IncidentListsTest, CountsWhatIsLikeOneAndShowsTheNewest) {
  proto::Incident it = Add(50, {});
  for (int64_t ms = 1; ms <= 4; ++ms) Add(ms, {.code = kOtherCode, .caller = "10.0.0.9:1"});
  Add(60, {.canvas = "other", .caller = "10.0.0.8:1"});  // its code
  Add(61, {.canvas = "third", .code = kOtherCode});      // its caller
  Add(62, {.verdict = proto::VERDICT_MEMORY});           // another cause
  auto similar = index_->incidents().SimilarTo(it);
  ASSERT_TRUE(similar) << similar.error().ToString();
  EXPECT_EQ(similar->of_canvas(), 4u);
  EXPECT_EQ(similar->of_code(), 1u);
  EXPECT_EQ(similar->of_caller(), 1u);
  std::vector<int64_t> at;
  for (const auto& row : similar->newest()) at.push_back(row.at_unix_us());
  EXPECT_THAT(at, ElementsAre(61, 60, 4, 3, 2));
}

TEST_F(IncidentListsTest, WhatIsLikeOneIsCountedUpToABound) {
  proto::Incident it = Add(0, {.code = "", .caller = ""});
  for (size_t i = 1; i <= bounds::kSimilarCounted + 5; ++i) Add(static_cast<int64_t>(i), {});
  auto similar = index_->incidents().SimilarTo(it);
  ASSERT_TRUE(similar);
  EXPECT_EQ(similar->of_canvas(), bounds::kSimilarCounted + 1);
  EXPECT_EQ(similar->of_code(), 0u) << "it has none";
  EXPECT_EQ(similar->of_caller(), 0u);
}

TEST_F(IncidentListsTest, ReadsTheColumnsOfIncidentsThatWereStoredBeforeThereWereAny) {
  Add(1, {});
  Add(2, {.caller = "10.0.0.2:7"});
  Add(3, {});
  index_.reset();
  {
    // What version 4 had, and a record that is damaged.
    auto db = Database::Open(dir_ / "index.db", Durability::kLazy, "", TraceIndex::kVersion);
    ASSERT_TRUE(db);
    Status done = (*db)->Execute(
        "UPDATE incidents SET incident = x'ff' WHERE at_us = 3;"
        "DROP INDEX incidents_by_verdict; DROP INDEX incidents_by_cause;"
        "DROP INDEX incidents_by_code; DROP INDEX incidents_by_caller;"
        "DROP INDEX incidents_unread; ALTER TABLE incidents DROP COLUMN code_sha256;"
        "ALTER TABLE incidents DROP COLUMN caller; PRAGMA user_version = 4");
    ASSERT_TRUE(done) << done.error().ToString();
  }
  for (int i = 0; i < 2; ++i) {
    Open();
    proto::ListIncidents question = Question();
    question.set_code_sha256(kCode);
    EXPECT_THAT(Find(question), ElementsAre(2, 1));
    question = Question();
    question.set_caller("10.0.0.2");
    EXPECT_THAT(Find(question), ElementsAre(2));
    EXPECT_THAT(Find(Question()), ElementsAre(3, 2, 1));
  }
}

// Each list is the beginning of an index: nothing is sorted, and no table is looked through.
TEST_F(IncidentListsTest, ListsAreBeginningsOfIndexes) {
  auto db = Database::Open(dir_ / "index.db", Durability::kLazy, "", TraceIndex::kVersion);
  ASSERT_TRUE(db);
  for (const char* where : {"caller = ?5 AND caller <> '' AND verdict = ?4",
                            "code_sha256 = ?5 AND code_sha256 <> '' AND verdict = ?4",
                            "canvas = ?5 AND verdict = ?4", "verdict = ?4", "canvas = ?5"}) {
    std::string sql =
        std::string("EXPLAIN QUERY PLAN SELECT run_id, detail FROM incidents WHERE ") + where +
        " AND run_id BETWEEN ?1 AND ?2 ORDER BY run_id LIMIT ?3";
    auto plan = (*db)->Prepare(sql.c_str());
    ASSERT_TRUE(plan) << plan.error().ToString();
    std::string text;
    while (*plan->Step()) text += std::string(plan->Bytes(3)) + "\n";
    EXPECT_NE(text.find("USING INDEX incidents_by_"), std::string::npos) << text;
    EXPECT_EQ(text.find("SCAN"), std::string::npos) << text;
    EXPECT_EQ(text.find("TEMP B-TREE"), std::string::npos) << text;
  }
}

}  // namespace
}  // namespace nightjar::testing
