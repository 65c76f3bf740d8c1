// The one PostgreSQL of this suite's program, which its tests share, and a machine that feeds it.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ipc/core/check.h"
#include "supervisor/writer/keeper.h"
#include "supervisor/writer/shared/shared_feed.h"
#include "supervisor/writer/trace_builder.h"
#include "tests/support/fake_clock.h"
#include "tests/support/pg_server.h"
#include "tests/unit/writer/memory_store.h"

namespace nightjar::testing {

// Starts with the first test that wants it. Null: it did not start.
inline e2e::PgServer* ThePostgres() {
  static std::unique_ptr<e2e::PgServer> server = e2e::PgServer::Start();
  return server.get();
}

inline shared::PgConnection::Keywords BySocket(const std::string& database) {
  return {{"host", ThePostgres()->folder()},
          {"port", std::to_string(ThePostgres()->port())},
          {"dbname", database},
          {"user", e2e::PgServer::kUser},
          {"passfile", "/nonexistent"}};
}

// A machine's own index and keeper, and what it tells the others.
class Machine {
 public:
  Machine(std::string name, const std::string& folder, const Clock& clock,
          shared::PgConnection::Keywords keywords)
      : name_(std::move(name)), folder_(folder + "/" + name_), clock_(clock), keywords_(keywords) {
    std::filesystem::create_directories(folder_);
    Open();
  }

  void Open() {
    feed_.reset();
    keeper_.reset();
    archive_.reset();
    auto objects = std::make_unique<MemoryStore>();
    store_ = objects.get();
    archive_ = std::make_unique<Archive>(std::move(objects),
                                         *TraceIndex::Create(folder_ + "/index.db", clock_),
                                         *Catalog::Create(folder_ + "/catalog.db", clock_),
                                         *MissedIndex::Create(folder_ + "/missed.db"), clock_);
    CHECK(archive_->index().SetOutbox(true).has_value());
    auto on_archive = [this](const auto& call) {
      call(*archive_);
      return true;
    };
    keeper_.emplace(archive_->objects(), on_archive, clock_);
    feed_.emplace(shared::SharedFeed::Where{keywords_, name_}, on_archive, clock_, interrupt_);
  }

  RunId Store(Tlid tlid, proto::Verdict verdict = proto::VERDICT_FINISHED,
              const std::string& caller = "10.0.0.1:5") {
    SealedRun sealed;
    sealed.run = RunId::New(clock_.Wall());
    sealed.row.set_run_id(sealed.run.ToString());
    sealed.row.set_canvas("demo");
    sealed.row.set_tlid(tlid);
    sealed.row.set_handler("GET /" + std::to_string(tlid));
    sealed.row.set_verdict(verdict);
    sealed.row.set_caller(caller);
    sealed.touched.add_functions("f" + std::to_string(tlid));
    proto::InputField& field = *sealed.touched.add_fields();
    field.set_name("user");
    field.set_value(std::string("a\0\"\\", 4) + std::to_string(tlid));
    proto::StoredRun stored;
    *stored.mutable_row() = sealed.row;
    sealed.object = TraceBuilder(compressor_).Seal(std::move(stored));
    RunId run = sealed.run;
    archive_->Store(std::move(sealed));
    (void)archive_->Commit();
    return run;
  }

  // Until there is nothing more to tell.
  Status Tell() {
    for (;;) {
      auto more = feed_->Step();
      if (!more) return tl::unexpected<Error>(more.error());
      if (!*more) return {};
    }
  }

  Archive& archive() { return *archive_; }
  Keeper& keeper() { return *keeper_; }
  shared::SharedFeed& feed() { return *feed_; }
  shared::Interrupt& interrupt() { return interrupt_; }
  const std::string& folder() const { return folder_; }

 private:
  const std::string name_, folder_;
  const Clock& clock_;
  const shared::PgConnection::Keywords keywords_;
  Compressor compressor_;
  shared::Interrupt interrupt_;
  MemoryStore* store_ = nullptr;  // the archive's
  std::unique_ptr<Archive> archive_;
  std::optional<Keeper> keeper_;
  std::optional<shared::SharedFeed> feed_;
};

inline std::vector<std::string> Ids(const Result<proto::TraceList>& list) {
  EXPECT_TRUE(list) << (list ? "" : list.error().ToString());
  std::vector<std::string> ids;
  if (list)
    for (const proto::TraceRow& row : list->traces()) ids.push_back(row.run_id());
  return ids;
}

// Skips where there is no PostgreSQL to be had.
class SharedTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!e2e::PgServer::Installed()) GTEST_SKIP() << "postgresql is not installed";
    ASSERT_NE(ThePostgres(), nullptr) << "PostgreSQL did not start";
    ASSERT_TRUE(ThePostgres()->running() || ThePostgres()->Restart());
    database_ = ThePostgres()->MakeDatabase();
    char path[] = "/dev/shm/nightjar-shared-XXXXXX";
    ASSERT_NE(mkdtemp(path), nullptr);
    folder_ = path;
  }
  void TearDown() override {
    if (!folder_.empty()) std::filesystem::remove_all(folder_);
  }
  std::string Sql(const std::string& sql) { return ThePostgres()->Sql(database_, sql); }

  FakeClock clock_;
  std::string database_, folder_;
};

}  // namespace nightjar::testing
