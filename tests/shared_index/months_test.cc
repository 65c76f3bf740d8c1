// Months of traces on two machines that crash between any two steps, with keepers and a PostgreSQL
// that are away for days: once all is told, what machines share says what their own indexes say,
// which the suite `retention` holds against the rule.
//
// NIGHTJAR_RETENTION_SEED repeats a run.

#include <algorithm>
#include <cstdlib>
#include <random>

#include "tests/shared_index/shared_rig.h"

namespace nightjar::testing {
namespace {

using std::chrono::hours;

constexpr int kDays = 70;
constexpr Tlid kHandlers = 6;
constexpr int kTracesAQuarter[kHandlers] = {0, 1, 2, 4, 12, 40};  // at most

class MonthsTest : public SharedTest {
 protected:
  MonthsTest() {
    const char* given = getenv("NIGHTJAR_RETENTION_SEED");
    seed_ = given != nullptr ? strtoull(given, nullptr, 10) : std::random_device()();
    random_.seed(seed_);
    printf("retention: shared, seed %llu\n", static_cast<unsigned long long>(seed_));
  }

  bool Chance(unsigned of) { return random_() % of == 0; }

  // Does something that a crash may cut short.
  template <typename F>
  void Alive(Machine& machine, F&& f) {
    int left = Chance(3) ? 1 + static_cast<int>(random_() % 12) : -1;
    machine.step = [&left] {
      if (left > 0 && --left == 0) throw Crash();
    };
    try {
      f();
      machine.step = {};
    } catch (const Crash&) {
      machine.step = {};
      ++crashes_;
      machine.Restart();
    }
  }

  void Traffic(Machine& machine) {
    for (Tlid handler = 0; handler < kHandlers; ++handler) {
      int most = kTracesAQuarter[handler];
      int count = most == 0 ? (Chance(8) ? 1 : 0) : static_cast<int>(random_() % (most + 1));
      for (int i = 0; i < count; ++i) {
        clock_.Advance(std::chrono::milliseconds(2));
        auto verdict = Chance(9) ? proto::VERDICT_WALL_TIME : proto::VERDICT_FINISHED;
        runs_.push_back(machine.Store(handler + 1, verdict));
        ++traces_;
      }
    }
  }

  void HoldOrRelease(Machine& machine) {
    if (runs_.empty()) return;
    const RunId run = runs_[runs_.size() - 1 - random_() % std::min<size_t>(runs_.size(), 400)];
    proto::HoldTrace order;
    order.set_canvas("demo");
    order.set_run_id(std::string(run.bytes()));
    order.set_reason("why");
    proto::ReleaseTrace release;
    release.set_canvas("demo");
    auto held = machine.archive().index().holds().List("demo");
    if (held && held->holds_size() > 0)
      release.set_run_id(std::string(RunId::Parse(held->holds(0).run_id())->bytes()));
    Alive(machine, [&] {
      if (Chance(2) && !release.run_id().empty())
        (void)machine.keeper().Release(release);
      else
        (void)machine.keeper().Hold(order);  // it may be another machine's, or over
    });
  }

  proto::ListTraces Asked(Tlid handler, bool by_function) {
    proto::ListTraces question;
    question.set_canvas("demo");
    question.set_rows_max(bounds::kListRows);
    if (handler != 0 && !by_function) question.set_tlid(handler);
    if (by_function) question.set_function("f" + std::to_string(handler));
    return question;
  }

  void ExpectTheSame(const std::vector<Machine*>& machines) {
    for (Machine* machine : machines) {
      Status told = machine->Tell();
      ASSERT_TRUE(told) << told.error().ToString();
    }
    for (Tlid handler = 0; handler <= kHandlers; ++handler) {
      auto question = Asked(handler, handler != 0 && Chance(2));
      std::vector<std::string> expected;
      for (Machine* machine : machines) {
        auto own = Ids(machine->archive().index().List(question));
        expected.insert(expected.end(), own.begin(), own.end());
      }
      std::sort(expected.begin(), expected.end());  // the newest first
      expected.resize(std::min(expected.size(), bounds::kListRows));
      ASSERT_EQ(Ids(machines[0]->feed().List(question)), expected) << "handler " << handler;
    }
    for (int i = 0; i < 30 && !runs_.empty(); ++i)
      ExpectFound(machines, runs_[random_() % runs_.size()]);
  }

  void ExpectFound(const std::vector<Machine*>& machines, const RunId& run) {
    auto shared = machines[0]->feed().Get("demo", run);
    for (Machine* machine : machines) {
      auto own = machine->archive().index().Get("demo", run);
      if (!own) continue;
      ASSERT_TRUE(shared) << run.ToString() << ": " << shared.error().ToString();
      // A held or kept one is preferred to the one of its day.
      auto held = machine->archive().index().holds().Get("demo", run);
      auto kept = machine->archive().index().ring().Get("demo", run);
      EXPECT_EQ(shared->object_key, held   ? held->object_key
                                    : kept ? kept->object_key
                                           : own->object_key);
      return;
    }
    EXPECT_FALSE(shared) << run.ToString() << " is over";
  }

  std::mt19937_64 random_;
  unsigned long long seed_ = 0;
  std::vector<RunId> runs_;
  size_t traces_ = 0;
  int crashes_ = 0;
};

TEST_F(MonthsTest, WhatIsSharedIsWhatMachinesHave) {
  Machine a("a", folder_, clock_, BySocket(database_)),
      b("b", folder_, clock_, BySocket(database_));
  const std::vector<Machine*> machines{&a, &b};
  int keeper_back = 0, postgres_back = -1, outages = 0;
  for (int day = 0; day < kDays && !HasFatalFailure(); ++day) {
    bool last = day > kDays - 14;  // at last all is well
    if (!last && day >= keeper_back && Chance(12)) {
      keeper_back = day + 1 + static_cast<int>(random_() % 12);
      ++outages;
    }
    if (!last && postgres_back < 0 && Chance(10)) {
      ThePostgres()->Kill();
      postgres_back = day + 1 + static_cast<int>(random_() % 10);
      ++outages;
    }
    if (last || day >= postgres_back) {
      if (postgres_back >= 0) {
        ASSERT_TRUE(ThePostgres()->Restart());
      }
      postgres_back = -1;
    }
    for (int quarter = 0; quarter < 4; ++quarter) {
      clock_.Advance(hours(6));
      for (Machine* machine : machines) {
        Traffic(*machine);
        if (Chance(6)) HoldOrRelease(*machine);
        if (last || day >= keeper_back) Alive(*machine, [&] { (void)machine->keeper().Round(); });
        if (Chance(2)) Alive(*machine, [&] { (void)machine->Tell(); });
      }
    }
    if (postgres_back < 0) ExpectTheSame(machines);
  }
  printf("retention: shared, %zu traces, %d crashes, %d outages\n", traces_, crashes_, outages);
  EXPECT_GT(crashes_, 5);
  // The last rounds may have been cut short.
  for (Machine* machine : machines) EXPECT_TRUE(machine->keeper().Round());
  ExpectTheSame(machines);
  const TraceDay first = TraceDay::Of(clock_.Wall()).Before(bounds::kTraceDays);
  EXPECT_EQ(Sql("SELECT count(*) FROM nightjar.traces WHERE day < '" + first.Text() + "'"), "0");
}

}  // namespace
}  // namespace nightjar::testing
