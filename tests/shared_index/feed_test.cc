// What machines tell the index that they share, and what it answers, in a real PostgreSQL.

#include <gmock/gmock.h>

#include <chrono>
#include <thread>

#include "tests/shared_index/shared_rig.h"

namespace nightjar::testing {
namespace {

using std::chrono::days;
using std::chrono::hours;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

proto::ListTraces Question() {
  proto::ListTraces question;
  question.set_canvas("demo");
  question.set_rows_max(100);
  return question;
}

class FeedTest : public SharedTest {
 protected:
  std::unique_ptr<Machine> MakeMachine(const std::string& name) {
    return std::make_unique<Machine>(name, folder_, clock_, BySocket(database_));
  }
  void ExpectTold(Machine& machine) {
    Status told = machine.Tell();
    EXPECT_TRUE(told) << (told ? "" : told.error().ToString());
  }
  std::string Partitions() {
    return Sql(
        "SELECT count(*) FROM pg_class WHERE relnamespace = 'nightjar'::regnamespace AND "
        "relname ~ '_[0-9]{8}$' AND relkind = 'r'");
  }
};

TEST_F(FeedTest, TwoMachinesListAllTracesByEveryFilter) {
  auto a = MakeMachine("a"), b = MakeMachine("b");
  std::vector<std::string> newest_first;
  for (int i = 0; i < 40; ++i) {
    clock_.Advance(hours(1));
    Machine& machine = i % 2 == 0 ? *a : *b;
    auto verdict = i % 8 == 0 ? proto::VERDICT_WALL_TIME : proto::VERDICT_FINISHED;
    RunId run = machine.Store(1 + i % 3, verdict, i % 5 == 0 ? "10.0.0.2:7" : "10.0.0.1:5");
    newest_first.insert(newest_first.begin(), run.ToString());
  }
  ExpectTold(*a);
  ExpectTold(*b);
  auto all = a->feed().List(Question());
  EXPECT_EQ(Ids(all), newest_first);
  ASSERT_TRUE(all);
  EXPECT_EQ(all->traces(0).machine(), "b");
  EXPECT_EQ(all->traces(1).machine(), "a");
  EXPECT_EQ(Ids(b->feed().List(Question())), newest_first);
  auto count = [&](auto&& fill) {
    auto question = Question();
    fill(question);
    return Ids(a->feed().List(question)).size();
  };
  EXPECT_EQ(count([](auto& q) { q.set_tlid(1); }), 14u);
  EXPECT_EQ(count([](auto& q) { q.set_verdict(proto::VERDICT_WALL_TIME); }), 5u);
  EXPECT_EQ(count([](auto& q) { q.set_caller("10.0.0.2"); }), 8u);
  EXPECT_EQ(count([](auto& q) { q.set_function("f2"); }), 13u);
  EXPECT_EQ(count([](auto& q) { q.set_handler("GET /3"); }), 13u);
  EXPECT_EQ(count([](auto& q) {
              q.set_field("user");
              q.set_field_value(std::string("a\0\"\\", 4) + "3");
            }),
            13u);
  EXPECT_EQ(count([&](auto& q) { q.set_since_unix_us(UnixMicros(clock_.Wall() - hours(9))); }),
            10u);
  EXPECT_EQ(count([](auto& q) { q.set_rows_max(7); }), 7u);
  auto found = a->feed().Get("demo", *RunId::Parse(newest_first[0]));
  ASSERT_TRUE(found) << found.error().ToString();
  EXPECT_EQ(found->row.machine(), "b");
  EXPECT_THAT(found->object_key, HasSubstr(newest_first[0]));
}

TEST_F(FeedTest, ADayIsDroppedWholeOnceNoMachineHasIt) {
  auto a = MakeMachine("a"), b = MakeMachine("b");
  RunId ours = a->Store(1), theirs = b->Store(1);
  ExpectTold(*a);
  ExpectTold(*b);
  EXPECT_EQ(Partitions(), "3");
  clock_.Advance(days(10));
  ASSERT_TRUE(a->keeper().Round());
  ExpectTold(*a);
  EXPECT_EQ(Partitions(), "3");  // the other machine needs it
  // It is one of the last ten, and listed once.
  EXPECT_THAT(Ids(a->feed().List(Question())), SizeIs(2));
  auto kept = b->feed().Get("demo", ours);
  ASSERT_TRUE(kept) << kept.error().ToString();
  EXPECT_THAT(kept->object_key, HasSubstr("kept/"));
  ASSERT_TRUE(b->keeper().Round());
  ExpectTold(*b);
  EXPECT_EQ(Partitions(), "0");
  EXPECT_THAT(Ids(a->feed().List(Question())), SizeIs(2));
  EXPECT_TRUE(a->feed().Get("demo", theirs));
}

TEST_F(FeedTest, BothMayDropTheSameDayAtOnce) {
  auto a = MakeMachine("a"), b = MakeMachine("b");
  for (int i = 0; i < 9; ++i) {
    clock_.Advance(days(1));
    for (Machine* machine : {a.get(), b.get()})
      for (int j = 0; j < 15; ++j) machine->Store(1);
  }
  ExpectTold(*a);
  ExpectTold(*b);
  clock_.Advance(days(20));
  ASSERT_TRUE(a->keeper().Round());
  ASSERT_TRUE(b->keeper().Round());
  std::thread other([&] { ExpectTold(*b); });
  ExpectTold(*a);
  other.join();
  EXPECT_EQ(Partitions(), "0");
}

TEST_F(FeedTest, AMachineThatIsSilentForAMonthIsNotWaitedFor) {
  auto a = MakeMachine("a"), b = MakeMachine("b");
  a->Store(1);
  b->Store(1);
  ExpectTold(*a);
  ExpectTold(*b);
  clock_.Advance(days(32));
  ASSERT_TRUE(a->keeper().Round());
  ExpectTold(*a);
  EXPECT_EQ(Partitions(), "0");
  // It comes back, and goes on.
  ASSERT_TRUE(b->keeper().Round());
  RunId run = b->Store(2);
  ExpectTold(*b);
  EXPECT_TRUE(a->feed().Get("demo", run));
  EXPECT_EQ(Partitions(), "3");
}

TEST_F(FeedTest, ADeletedTraceIsGoneEverywhere) {
  auto a = MakeMachine("a"), b = MakeMachine("b");
  RunId run = a->Store(1), other = a->Store(2);
  ExpectTold(*a);
  ASSERT_TRUE(b->feed().Get("demo", run));
  proto::DeleteTrace order;
  order.set_canvas("demo");
  order.set_run_id(std::string(run.bytes()));
  order.set_reason("why");
  ASSERT_TRUE(a->keeper().Delete(order));
  ExpectTold(*a);
  EXPECT_FALSE(b->feed().Get("demo", run));
  EXPECT_EQ(Ids(b->feed().List(Question())), std::vector<std::string>{other.ToString()});
  for (const char* table : {"traces", "trace_fn", "trace_field"})
    EXPECT_EQ(Sql("SELECT count(*) FROM nightjar." + std::string(table)), "1") << table;
}

TEST_F(FeedTest, HoldsAndReleasesAreTold) {
  auto a = MakeMachine("a");
  RunId run = a->Store(1);
  for (int i = 0; i < 10; ++i) a->Store(1);
  proto::HoldTrace order;
  order.set_canvas("demo");
  order.set_run_id(std::string(run.bytes()));
  order.set_reason("why");
  ASSERT_TRUE(a->keeper().Hold(order));
  clock_.Advance(days(10));
  ASSERT_TRUE(a->keeper().Round());
  ExpectTold(*a);
  auto held = a->feed().Get("demo", run);
  ASSERT_TRUE(held) << held.error().ToString();
  EXPECT_THAT(held->object_key, HasSubstr("evidence/"));
  EXPECT_THAT(Ids(a->feed().List(Question())), SizeIs(11));
  proto::ReleaseTrace release;
  release.set_canvas("demo");
  release.set_run_id(std::string(run.bytes()));
  ASSERT_TRUE(a->keeper().Release(release));
  ExpectTold(*a);
  EXPECT_FALSE(a->feed().Get("demo", run));
  EXPECT_THAT(Ids(a->feed().List(Question())), SizeIs(10));
}

TEST_F(FeedTest, AnOutageCostsNamesAndRowsOfDaysThatAreOver) {
  auto a = MakeMachine("a");
  RunId first = a->Store(1);
  ExpectTold(*a);
  ThePostgres()->Kill();
  for (int i = 0; i < 30; ++i) a->Store(1);
  Status away = a->Tell();
  ASSERT_FALSE(away);
  EXPECT_EQ(away.error().code, ErrorCode::kUnavailable) << away.error().ToString();
  EXPECT_EQ(a->feed().Measure()->rows, 30u);
  EXPECT_EQ(Ids(a->archive().index().List(Question())).size(), 31u);
  clock_.Advance(days(10));
  ASSERT_TRUE(a->keeper().Round());
  // Ten slots and the day's end; of what was not kept, nothing is left to be told.
  EXPECT_EQ(a->feed().Measure()->rows, 11u);
  EXPECT_EQ(a->archive().index().outbox().left_untold(), 30u);
  RunId later = a->Store(1);
  ASSERT_TRUE(ThePostgres()->Restart());
  ExpectTold(*a);
  EXPECT_EQ(a->feed().Measure()->rows, 0u);
  EXPECT_EQ(Ids(a->feed().List(Question())), Ids(a->archive().index().List(Question())));
  EXPECT_TRUE(a->feed().Get("demo", later));
  EXPECT_FALSE(a->feed().Get("demo", first));
}

TEST_F(FeedTest, AServerThatHangsIsGivenUp) {
  auto a = MakeMachine("a");
  a->Store(1);
  ExpectTold(*a);
  a->Store(1);
  ThePostgres()->Freeze();
  auto began = std::chrono::steady_clock::now();
  Status held = a->Tell();
  Status again = a->Tell();
  ThePostgres()->Thaw();
  ASSERT_FALSE(held);
  EXPECT_EQ(held.error().code, ErrorCode::kTimedOut) << held.error().ToString();
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::kTimedOut) << again.error().ToString();
  EXPECT_LT(std::chrono::steady_clock::now() - began,
            bounds::kSharedConnectTime + 2 * bounds::kSharedCallTime);
  ExpectTold(*a);
  EXPECT_EQ(a->feed().Measure()->rows, 0u);
}

TEST_F(FeedTest, AStopDoesNotWaitForAServerThatHangs) {
  auto a = MakeMachine("a");
  a->Store(1);
  ThePostgres()->Freeze();
  std::thread stop([&] { a->interrupt().Raise(); });
  Status told = a->Tell();
  stop.join();
  ThePostgres()->Thaw();
  ASSERT_FALSE(told);
  EXPECT_THAT(told.error().ToString(), HasSubstr("stopping"));
}

TEST_F(FeedTest, AWrongPasswordIsRefused) {
  auto keywords = BySocket(database_);
  keywords[0].second = "127.0.0.1";
  keywords.emplace_back("password", "wrong");
  Machine a("a", folder_, clock_, keywords);
  a.Store(1);
  Status told = a.Tell();
  ASSERT_FALSE(told);
  EXPECT_EQ(told.error().code, ErrorCode::kPermission) << told.error().ToString();
  keywords.back().second = e2e::PgServer::kPassword;
  Machine b("b", folder_, clock_, keywords);
  b.Store(1);
  ExpectTold(b);
}

TEST_F(FeedTest, ADatabaseThatOnlyReadsIsWaitedFor) {
  auto a = MakeMachine("a");
  a->Store(1);
  ExpectTold(*a);
  Sql("ALTER DATABASE " + database_ + " SET default_transaction_read_only = on");
  a->Open();
  a->Store(1);
  Status told = a->Tell();
  ASSERT_FALSE(told);
  EXPECT_EQ(told.error().code, ErrorCode::kExhausted) << told.error().ToString();
  EXPECT_EQ(a->feed().Measure()->rows, 1u);
  ThePostgres()->Sql("postgres",
                     "ALTER DATABASE " + database_ + " RESET default_transaction_read_only");
  a->Open();
  ExpectTold(*a);
  EXPECT_EQ(a->feed().Measure()->rows, 0u);
}

TEST_F(FeedTest, ANewDatabaseIsToldEverything) {
  auto a = MakeMachine("a");
  for (int i = 0; i < 30; ++i) a->Store(1);
  clock_.Advance(days(5));
  ASSERT_TRUE(a->keeper().Round());
  ExpectTold(*a);
  Sql("DROP SCHEMA nightjar CASCADE");
  a->Open();
  ExpectTold(*a);
  EXPECT_EQ(Ids(a->feed().List(Question())), Ids(a->archive().index().List(Question())));
  EXPECT_EQ(Sql("SELECT count(*) FROM nightjar.kept"), "10");
}

TEST_F(FeedTest, ANameIsOneMachines) {
  auto a = MakeMachine("a");
  a->Store(1);
  ExpectTold(*a);
  Machine other("a", folder_ + "/other", clock_, BySocket(database_));
  other.Store(1);
  Status told = other.Tell();
  ASSERT_FALSE(told);
  EXPECT_EQ(told.error().code, ErrorCode::kExists);
  EXPECT_THAT(told.error().ToString(), HasSubstr("machine a"));
}

TEST_F(FeedTest, ManyMachinesMayMakeTheTablesAtOnce) {
  std::vector<std::unique_ptr<Machine>> machines;
  for (int i = 0; i < 6; ++i) machines.push_back(MakeMachine("m" + std::to_string(i)));
  for (auto& machine : machines) machine->Store(1);
  std::vector<std::thread> threads;
  for (auto& machine : machines) threads.emplace_back([&] { ExpectTold(*machine); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(Ids(machines[0]->feed().List(Question())), SizeIs(6));
}

TEST_F(FeedTest, ARowThatIsRefusedIsLeftOutAlone) {
  auto a = MakeMachine("a");
  a->Store(1);
  ExpectTold(*a);
  Sql("ALTER TABLE nightjar.traces ADD CHECK (tlid <> 13)");
  for (int i = 0; i < 5; ++i) a->Store(1);
  a->Store(13);
  for (int i = 0; i < 5; ++i) a->Store(1);
  ExpectTold(*a);
  EXPECT_EQ(a->feed().counts().refused, 1u);
  EXPECT_THAT(Ids(a->feed().List(Question())), SizeIs(11));
}

}  // namespace
}  // namespace nightjar::testing
