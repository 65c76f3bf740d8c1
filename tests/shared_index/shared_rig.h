// The one PostgreSQL of this suite's program, which its tests share, and a machine that feeds it.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
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

// What a store is to one process: it outlives it, and so do the objects.
class LastingStore final : public ObjectStore {
 public:
  explicit LastingStore(MemoryStore& store) : store_(store) {}
  Status Put(std::string_view key, std::string_view object) override {
    return store_.Put(key, object);
  }
  Result<std::string> Get(std::string_view key, size_t bytes_max) override {
    return store_.Get(key, bytes_max);
  }
  Status Delete(std::string_view key) override { return store_.Delete(key); }
  Status Replace(std::string_view key, std::string_view object) override {
    return store_.Replace(key, object);
  }
  Status Copy(std::string_view from, std::string_view to) override { return store_.Copy(from, to); }
  Result<bool> ExpireBefore(std::string_view day) override { return store_.ExpireBefore(day); }

 private:
  MemoryStore& store_;
};

struct Crash {};

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
    archive_ = std::make_unique<Archive>(std::make_unique<LastingStore>(store_),
                                         *TraceIndex::Create(folder_ + "/index.db", clock_),
                                         *Catalog::Create(folder_ + "/catalog.db", clock_),
                                         *MissedIndex::Create(folder_ + "/missed.db"), clock_);
    CHECK(archive_->index().SetOutbox(true).has_value());
    auto on_archive = [this](const auto& call) {
      if (step) step();
      call(*archive_);
      if (step) step();
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

  // The files as they are now are what the next process finds: what was not committed is gone.
  void Restart() {
    const std::string before = folder_;
    folder_ += "'";
    std::filesystem::create_directories(folder_);
    for (const char* name : {"index.db", "catalog.db", "missed.db"})
      for (const char* part : {"", "-wal"})
        if (std::filesystem::exists(before + "/" + name + part))
          std::filesystem::copy(before + "/" + name + part, folder_ + "/" + name + part);
    Open();
    std::filesystem::remove_all(before);
  }
  // May throw Crash: before and after everything that is asked of the archive.
  std::function<void()> step;

  Archive& archive() { return *archive_; }
  Keeper& keeper() { return *keeper_; }
  shared::SharedFeed& feed() { return *feed_; }
  shared::Interrupt& interrupt() { return interrupt_; }
  const std::string& folder() const { return folder_; }

 private:
  const std::string name_;
  std::string folder_;
  const Clock& clock_;
  const shared::PgConnection::Keywords keywords_;
  Compressor compressor_;
  shared::Interrupt interrupt_;
  MemoryStore store_;
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
