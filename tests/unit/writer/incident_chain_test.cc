// What of a changed store the chain of incidents tells, and what it survives.
#include "supervisor/writer/incident_chain.h"

#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <map>

#include "supervisor/writer/sha256.h"
#include "supervisor/writer/trace_index.h"
#include "tests/unit/writer/writer_rig.h"

namespace nightjar::testing {
namespace {

using ::testing::HasSubstr;

TEST(Sha256Test, IsTheOneOfTheStandard) {
  EXPECT_EQ(HashText(Sha256({"abc"})),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Sha256({"a", "", "bc"}), Sha256({"abc"}));
}

class IncidentChainTest : public ::testing::Test {
 protected:
  IncidentChainTest() { Open(); }

  std::string path() const { return dir_ / "index.db"; }
  void Open() {
    index_.reset();
    auto index = TraceIndex::Create(path(), clock_);
    ASSERT_TRUE(index) << index.error().ToString();
    index_ = std::move(*index);
  }
  // Always the same one.
  RunId Run(int64_t ms) { return runs_.try_emplace(ms, RunAt(ms)).first->second; }
  proto::Incident Incident(int64_t ms) {
    proto::Incident incident;
    incident.set_run_id(Run(ms).ToString());
    incident.set_canvas("demo");
    incident.set_handler("GET /x");
    incident.set_verdict(proto::VERDICT_MEMORY);
    incident.set_detail("detail " + std::to_string(ms));
    incident.set_at_unix_us(ms);
    return incident;
  }
  proto::TraceRow Row(int64_t ms) {
    proto::TraceRow row;
    row.set_run_id(Run(ms).ToString());
    row.set_canvas("demo");
    return row;
  }
  void Add(int64_t first, int64_t last) {
    for (int64_t ms = first; ms <= last; ++ms) ASSERT_TRUE(index_->AddIncident(Incident(ms)));
    ASSERT_TRUE(index_->Commit());
  }
  // Somebody with a shell.
  void Tamper(const std::string& sql) {
    index_.reset();
    auto db = Database::Open(path(), Durability::kLazy, "", TraceIndex::kVersion);
    ASSERT_TRUE(db) << db.error().ToString();
    Status done = (*db)->Execute(sql.c_str());
    ASSERT_TRUE(done) << done.error().ToString();
    db->reset();
    Open();
  }
  proto::ChainAnswer Verify(uint64_t head = 0, const std::string& head_hash = "") {
    proto::VerifyIncidents question;
    question.set_head(head);
    question.set_head_hash(head_hash);
    for (;;) {
      auto answer = index_->chain().Verify(question);
      EXPECT_TRUE(answer) << answer.error().ToString();
      if (!answer || answer->whole() || !answer->broken().empty()) return *answer;
      ++parts_;
      question.set_after(answer->link());
      question.set_hash(answer->hash());
    }
  }
  void ExpectBroken(uint64_t link, const std::string& why) {
    proto::ChainAnswer answer = Verify();
    EXPECT_THAT(answer.broken(), HasSubstr(why));
    EXPECT_EQ(answer.broken_link(), link);
    EXPECT_EQ(answer.link(), link == 0 ? 5u : link - 1);
  }

  TempDir dir_;
  FakeClock clock_;
  std::unique_ptr<TraceIndex> index_;
  std::map<int64_t, RunId> runs_;
  int parts_ = 0;
};

TEST_F(IncidentChainTest, WhatNobodyTouchedIsSound) {
  EXPECT_TRUE(Verify().whole());
  Add(1, 5);
  Open();
  Add(6, 7);
  proto::ChainAnswer answer = Verify();
  EXPECT_EQ(answer.broken(), "");
  EXPECT_TRUE(answer.whole());
  EXPECT_EQ(answer.link(), 7u);
  EXPECT_EQ(answer.links(), 7u);
  EXPECT_EQ(answer.first_at_unix_us(), 1);
  EXPECT_EQ(answer.last_at_unix_us(), 7);
  EXPECT_EQ(answer.unlinked(), 0u);
}

TEST_F(IncidentChainTest, IsWalkedInBoundedParts) {
  constexpr int64_t kMany = 2 * static_cast<int64_t>(bounds::kChainRows);
  Add(1, kMany);
  proto::ChainAnswer answer = Verify();
  EXPECT_EQ(answer.link(), static_cast<uint64_t>(kMany));
  EXPECT_TRUE(answer.whole());
  EXPECT_EQ(parts_, 2);
}

TEST_F(IncidentChainTest, AnIncidentThatIsThereAlreadyIsNoNewLink) {
  Add(1, 2);
  ASSERT_TRUE(index_->AddIncident(Incident(2)));
  EXPECT_EQ(Verify().link(), 2u);
  EXPECT_EQ(Verify().broken(), "");
}

TEST_F(IncidentChainTest, TellsAChangedByte) {
  Add(1, 5);
  Tamper(
      "UPDATE incidents SET incident = CAST(substr(incident, 1, length(incident) - 1) || x'7f' AS "
      "BLOB) WHERE link = 3");
  ExpectBroken(3, "it was changed");
  EXPECT_EQ(Verify().broken_run_id(), Run(3).ToString());
  EXPECT_EQ(Verify().broken_at_unix_us(), 3);
}

TEST_F(IncidentChainTest, TellsAChangedColumn) {
  for (const char* column :
       {"canvas = 'nobody'", "handler = ''", "verdict = 3", "at_us = 7", "detail = 'nothing'",
        "run_id = x'00112233445566778899aabbccddeeff'", "code_sha256 = 'f00'", "caller = '::1'"}) {
    SCOPED_TRACE(column);
    Tamper("DELETE FROM incidents; DELETE FROM incident_chain");
    Add(1, 5);
    Tamper(std::string("UPDATE incidents SET ") + column + " WHERE link = 2");
    ExpectBroken(2, "its row in the list was changed");
  }
}

TEST_F(IncidentChainTest, TellsARemovedRow) {
  Add(1, 5);
  Tamper("DELETE FROM incidents WHERE link IN (2, 3)");
  ExpectBroken(2, "2 incidents removed: link 4 comes next");
}

TEST_F(IncidentChainTest, TellsAGapThatWasClosedByNewNumbers) {
  Add(1, 5);
  Tamper(
      "DELETE FROM incidents WHERE link = 2; UPDATE incidents SET link = link - 1 WHERE link > 2; "
      "UPDATE incident_chain SET links = 4");
  ExpectBroken(2, "it was changed");
}

TEST_F(IncidentChainTest, TellsSwappedRows) {
  Add(1, 5);
  Tamper(
      "UPDATE incidents SET link = -1 WHERE link = 2; UPDATE incidents SET link = 2 WHERE link = "
      "3; UPDATE incidents SET link = 3 WHERE link = -1");
  ExpectBroken(2, "it was changed");
}

TEST_F(IncidentChainTest, TellsALinkThatIsSoundInItselfButFollowsAnother) {
  Add(1, 5);
  auto db = Database::Open(path(), Durability::kLazy, "", TraceIndex::kVersion);
  ASSERT_TRUE(db);
  // Written by somebody who knows how a link is made, but leaves the next ones as they are.
  std::string incident = Incident(2).SerializeAsString();
  std::string previous(kSha256Bytes, 'x');
  std::string number("\0\0\0\0\0\0\0\2", 8);
  std::string hash = Sha256({"nightjar incident 1\n", number, previous, incident});
  {
    auto forge = (*db)->Prepare("UPDATE incidents SET previous = ?, hash = ? WHERE link = 2");
    ASSERT_TRUE(forge);
    forge->BindBlob(1, previous);
    forge->BindBlob(2, hash);
    ASSERT_TRUE(forge->Run());
  }
  db->reset();
  ExpectBroken(2, "it does not follow the one before it");
}

TEST_F(IncidentChainTest, TellsAnInsertedRow) {
  Add(1, 5);
  constexpr const char* kInsert =
      "INSERT INTO incidents SELECT x'00112233445566778899aabbccddeeff', canvas, handler, verdict, "
      "at_us, detail, incident, %s, previous, hash, code_sha256, caller FROM incidents "
      "WHERE link = 5";
  auto Insert = [&](const char* link) {
    std::string sql = kInsert;
    sql.replace(sql.find("%s"), 2, link);
    Tamper(sql);
  };
  Insert("6");
  ExpectBroken(6, "inserted behind the end");
  // It keeps no later incident out.
  Add(9, 9);
  EXPECT_TRUE(index_->GetIncident(Run(9)));
  EXPECT_FALSE(Verify().broken().empty());
  Tamper("DELETE FROM incidents; DELETE FROM incident_chain");
  Add(1, 5);
  Insert("NULL");
  ExpectBroken(0, "1 incident in no link, where there were 0");
}

TEST_F(IncidentChainTest, TellsACutTail) {
  Add(1, 5);
  proto::ChainAnswer earlier = Verify();
  Tamper("DELETE FROM incidents WHERE link > 3");
  ExpectBroken(4, "2 incidents removed from the end: there were 5");
  // Somebody who knows the chain's own record: what was noted elsewhere tells it.
  Tamper("UPDATE incident_chain SET links = 3, head = (SELECT hash FROM incidents WHERE link = 3)");
  EXPECT_EQ(Verify().broken(), "");
  proto::ChainAnswer answer = Verify(5, earlier.hash());
  EXPECT_EQ(answer.broken_link(), 4u);
  EXPECT_THAT(answer.broken(), HasSubstr("removed from the end"));
  // And when as many others stand in their place.
  Add(14, 15);
  EXPECT_EQ(Verify().broken(), "");
  answer = Verify(5, earlier.hash());
  EXPECT_EQ(answer.broken_link(), 5u);
  EXPECT_THAT(answer.broken(), HasSubstr("written anew"));
}

TEST_F(IncidentChainTest, GoesOnWithoutItsOwnRecordAndSaysSo) {
  Add(1, 5);
  clock_.Advance(std::chrono::seconds(1));
  Tamper("DELETE FROM incident_chain");
  Add(6, 6);
  EXPECT_TRUE(index_->GetIncident(Run(6)));
  ExpectBroken(1, "it does not follow the one before it");
  Tamper("UPDATE incident_chain SET head = x'00'");
  EXPECT_FALSE(Verify().broken().empty());
}

TEST_F(IncidentChainTest, ABatchThatIsLostLeavesNoTraceOfItself) {
  Add(1, 2);
  // A writer that is killed with an incident taken but not yet on the disk.
  index_.reset();
  pid_t child = fork();
  if (child == 0) {
    auto index = TraceIndex::Create(path(), clock_);
    _exit(index && (*index)->AddIncident(Incident(3)) ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
  Open();
  EXPECT_EQ(Verify().link(), 2u);
  Add(3, 4);
  EXPECT_EQ(Verify().link(), 4u);
  EXPECT_EQ(Verify().broken(), "");
}

TEST_F(IncidentChainTest, ItsHeadIsLoggedAtTheStartAndOnceAnHourWhereItMoved) {
  auto Logged = [&](int64_t ms, Nanos later) {
    ::testing::internal::CaptureStderr();
    clock_.Advance(later);
    Add(ms, ms);
    return ::testing::internal::GetCapturedStderr();
  };
  EXPECT_EQ(Logged(1, bounds::kChainHeadLogged - Nanos(1)), "");
  EXPECT_THAT(Logged(2, Nanos(1)), HasSubstr("event=incident_chain_head links=2 hash="));
  EXPECT_EQ(Logged(3, Nanos(1)), "");
  ::testing::internal::CaptureStderr();
  clock_.Advance(bounds::kChainHeadLogged * 2);
  ASSERT_TRUE(index_->AddTrace({Row(9), {}, ""}));
  ASSERT_TRUE(index_->Commit());
  ASSERT_TRUE(index_->AddTrace({Row(10), {}, ""}));
  ASSERT_TRUE(index_->Commit());
  std::string once = ::testing::internal::GetCapturedStderr();
  EXPECT_EQ(once.find("links=3"), once.rfind("links=3"));
  ::testing::internal::CaptureStderr();
  Open();
  EXPECT_THAT(::testing::internal::GetCapturedStderr(),
              HasSubstr("links=3 hash=" + Verify().hash()));
}

TEST_F(IncidentChainTest, AnOldStoreGoesOnAndItsIncidentsAreCounted) {
  index_.reset();
  {
    auto db = Database::Open(dir_ / "old.db", Durability::kLazy,
                             "CREATE TABLE traces (canvas TEXT NOT NULL, run_id BLOB NOT NULL, "
                             "handler TEXT NOT NULL, tlid INTEGER NOT NULL, revision INTEGER NOT "
                             "NULL, received_us INTEGER NOT NULL, verdict INTEGER NOT NULL, "
                             "object_key TEXT NOT NULL, row BLOB NOT NULL, UNIQUE (canvas, "
                             "run_id)); CREATE TABLE incidents (run_id BLOB NOT NULL UNIQUE, "
                             "canvas TEXT NOT NULL, handler TEXT NOT NULL, verdict INTEGER NOT "
                             "NULL, at_us INTEGER NOT NULL, detail TEXT NOT NULL, incident BLOB "
                             "NOT NULL); INSERT INTO incidents VALUES (x'01', 'demo', 'GET /', 3, "
                             "1, 'old', x''), (x'02', 'demo', 'GET /', 3, 2, 'old', x'')",
                             1);
    ASSERT_TRUE(db) << db.error().ToString();
  }
  auto index = TraceIndex::Create(dir_ / "old.db", clock_);
  ASSERT_TRUE(index) << index.error().ToString();
  index_ = std::move(*index);
  Add(1, 2);
  proto::ChainAnswer answer = Verify();
  EXPECT_EQ(answer.broken(), "");
  EXPECT_EQ(answer.link(), 2u);
  EXPECT_EQ(answer.unlinked(), 2u);
  EXPECT_EQ(answer.begun_unix_us(), UnixMicros(clock_.Wall()));
  EXPECT_EQ(index_->ListIncidents(proto::ListIncidents())->incidents_size(), 4);
}

}  // namespace
}  // namespace nightjar::testing
