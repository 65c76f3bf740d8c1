#include "ipc/ledger/run_ledger.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "ipc/core/bounds.h"

namespace nightjar::testing {
namespace {

proto::RunBegan Began(const std::string& id) {
  proto::RunBegan began;
  began.set_run_id(id);
  began.set_canvas("demo");
  return began;
}

proto::RunEnded Ended(const std::string& id) {
  proto::RunEnded ended;
  ended.set_run_id(id);
  ended.set_verdict(proto::VERDICT_FINISHED);
  return ended;
}

class RunLedgerTest : public ::testing::Test {
 protected:
  ~RunLedgerTest() override { unlink(path_.c_str()); }
  std::unique_ptr<RunLedger> Open() {
    auto ledger = RunLedger::Create(path_);
    EXPECT_TRUE(ledger) << ledger.error().ToString();
    return ledger ? std::move(*ledger) : nullptr;
  }
  static std::vector<RunLedger::Entry> Read(const RunLedger& ledger) {
    auto entries = RunLedger::Read(ledger.reader());
    EXPECT_TRUE(entries) << entries.error().ToString();
    return entries ? *entries : std::vector<RunLedger::Entry>();
  }
  // As if its supervisor had been killed: the file stays.
  void Kill(std::unique_ptr<RunLedger> ledger) { killed_.push_back(std::move(ledger)); }

  std::vector<std::unique_ptr<RunLedger>> killed_;
  const std::string path_ = "/dev/shm/nightjar-test-runs-" + std::to_string(getpid());
};

TEST_F(RunLedgerTest, EachStateDirectoryKeepsANameOfItsOwn) {
  std::string folder =
      std::filesystem::temp_directory_path() / ("nightjar-names-" + std::to_string(getpid()));
  std::filesystem::create_directories(folder + "/one");
  std::filesystem::create_directories(folder + "/two");
  auto one = RunLedger::PathFor(folder + "/one");
  ASSERT_TRUE(one) << one.error().ToString();
  EXPECT_EQ(*RunLedger::PathFor(folder + "/one"), *one);
  EXPECT_NE(*RunLedger::PathFor(folder + "/two"), *one);
  std::ofstream(folder + "/one/ledger", std::ios::trunc) << "../../etc/passwd";
  EXPECT_FALSE(RunLedger::PathFor(folder + "/one"));
  EXPECT_FALSE(RunLedger::PathFor(folder + "/none"));
  std::filesystem::remove_all(folder);
}

TEST_F(RunLedgerTest, HoldsWhatBeganAndIsNotStored) {
  auto ledger = Open();
  RunLedger::Slot first = ledger->Begin(Began("first"));
  RunLedger::Slot second = ledger->Begin(Began("second"));
  RunLedger::Slot third = ledger->Begin(Began("third"));
  EXPECT_EQ(ledger->End(second, Ended("second")), second);
  ledger->Free(first);
  auto entries = Read(*ledger);
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].run.began().run_id(), "second");
  EXPECT_EQ(entries[0].run.ended().verdict(), proto::VERDICT_FINISHED);
  EXPECT_EQ(entries[1].run.began().run_id(), "third");
  EXPECT_FALSE(entries[1].run.has_ended());
  EXPECT_FALSE(entries[1].left);
  ledger->Free(second);
  ledger->Free(third);
}

TEST_F(RunLedgerTest, GivesTheNextSupervisorWhatTheLastOneLeft) {
  auto first = Open();
  first->End(first->Begin(Began("ended")), Ended("ended"));
  first->Begin(Began("open"));
  first->End(RunLedger::kNone, Ended("refused"));
  Kill(std::move(first));
  auto second = Open();
  RunLedger::Slot own = second->Begin(Began("own"));
  auto entries = Read(*second);
  ASSERT_EQ(entries.size(), 4u);
  for (size_t i = 0; i < 3; ++i) EXPECT_TRUE(entries[i].left);
  EXPECT_TRUE(entries[0].run.has_ended());
  EXPECT_FALSE(entries[1].run.has_ended());
  EXPECT_FALSE(entries[2].run.has_began());
  EXPECT_FALSE(entries[3].left);
  EXPECT_EQ(entries[3].slot, own);
  // And the one after that, until they are stored.
  second->Free(entries[0].slot);
  Kill(std::move(second));
  EXPECT_EQ(Read(*Open()).size(), 3u);
}

TEST_F(RunLedgerTest, ReadersOfTheLastOneSeeNothingOfTheNext) {
  auto first = Open();
  first->Begin(Began("first"));
  Fd reader = std::move(*first->reader().Duplicate());
  Kill(std::move(first));
  auto second = Open();
  second->Begin(Began("second"));
  auto entries = RunLedger::Read(reader);
  ASSERT_TRUE(entries);
  ASSERT_EQ(entries->size(), 1u);
  EXPECT_EQ((*entries)[0].run.began().run_id(), "first");
}

TEST_F(RunLedgerTest, GoesWithTheSupervisorThatStoredEverything) {
  auto ledger = Open();
  ledger->Free(ledger->Begin(Began("run")));
  ledger.reset();
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(RunLedgerTest, HasABoundAndUsesFreedPlacesAgain) {
  auto ledger = Open();
  std::vector<RunLedger::Slot> slots;
  for (size_t i = 0; i < bounds::kLedgerSlots; ++i) slots.push_back(ledger->Begin(Began("run")));
  EXPECT_EQ(slots.back(), bounds::kLedgerSlots - 1);
  EXPECT_EQ(ledger->Begin(Began("too many")), RunLedger::kNone);
  ledger->Free(slots[5]);
  EXPECT_EQ(ledger->Begin(Began("again")), slots[5]);
}

TEST_F(RunLedgerTest, ShortensAnIncidentThatDoesNotFit) {
  auto ledger = Open();
  proto::RunEnded ended = Ended("run");
  ended.set_detail(std::string(bounds::kVerdictDetailBytes, 'd'));
  proto::Incident& incident = *ended.mutable_incident();
  incident.set_run_id("run");
  incident.set_detail(ended.detail());
  for (size_t i = 0; i < bounds::kUsageSamples; ++i)
    incident.add_usage_over_time()->set_memory_bytes(UINT64_MAX);
  for (int i = 0; i < 100; ++i) incident.add_limits()->set_name(std::string(100, 'l'));
  proto::RunBegan began = Began("run");
  began.set_request_line(std::string(900, 'r'));
  ledger->End(ledger->Begin(began), ended);
  auto entries = Read(*ledger);
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].run.ended().incident().detail(), incident.detail());
  EXPECT_EQ(entries[0].run.ended().incident().limits_size(), 0);
}

TEST_F(RunLedgerTest, RefusesWhatIsNoLedger) {
  std::ofstream(path_) << std::string(2 * bounds::kLedgerSlotBytes, 'x');
  EXPECT_FALSE(RunLedger::Create(path_));
}

TEST_F(RunLedgerTest, SkipsWhatIsDamaged) {
  auto ledger = Open();
  ledger->Begin(Began("first"));
  ledger->Begin(Began("second"));
  Fd file(open(path_.c_str(), O_WRONLY | O_CLOEXEC));
  const std::string nonsense(bounds::kLedgerSlotBytes - 8, '\xff');
  ASSERT_GT(pwrite(file.get(), nonsense.data(), nonsense.size(), bounds::kLedgerSlotBytes + 8), 0);
  auto entries = Read(*ledger);
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].run.began().run_id(), "second");
}

}  // namespace
}  // namespace nightjar::testing
