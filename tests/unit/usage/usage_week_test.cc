// A week of some canvases' use, with supervisors and writers that die at any moment, against a
// model that counts on its fingers: the writer's deaths change nothing, and a supervisor's costs
// what it had not told.
//
// NIGHTJAR_USAGE_SEED repeats a run.

#include <gtest/gtest.h>
#include <stdlib.h>

#include <cstdio>
#include <deque>
#include <filesystem>
#include <map>
#include <random>

#include "ipc/proto/usage_sum.h"
#include "supervisor/usage/usage_tally.h"
#include "supervisor/writer/usage_store.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_journal.h"

namespace nightjar::testing {
namespace {

using namespace std::chrono_literals;

using HourOfCanvas = std::pair<int64_t, std::string>;
struct Used {
  uint64_t cpu_us = 0;
  std::map<std::string, uint64_t> runs;
  bool operator==(const Used&) const = default;
};

class Week {
 public:
  explicit Week(uint64_t seed) : random_(seed) {
    char path[] = "/tmp/nightjar-usage-XXXXXX";
    EXPECT_NE(mkdtemp(path), nullptr);
    dir_ = path;
    StartWriter();
    StartSupervisor();
  }
  ~Week() { std::filesystem::remove_all(dir_); }

  void Live() {
    const WallTime end = clock_.Wall() + 7 * 24h;
    while (clock_.Wall() < end) {
      clock_.Advance(std::chrono::seconds(Any(1, 300)));
      for (uint64_t uses = Any(0, 6); uses > 0; --uses) Use();
      if (OneIn(2)) tally_->Tell();
      Serve();
      if (OneIn(40)) KillWriter();
      if (OneIn(60)) KillSupervisor();
      if (OneIn(100)) CheckDay();
    }
    writer_may_fail_ = false;
    tally_->Tell();
    Serve();
    EXPECT_TRUE(tally_->settled());
    CheckDay();
    Check();
  }

 private:
  uint64_t Any(uint64_t from, uint64_t to) {
    return std::uniform_int_distribution<uint64_t>(from, to)(random_);
  }
  bool OneIn(uint64_t many) { return Any(1, many) == 1; }

  void StartWriter() {
    auto store = UsageStore::Create(dir_ + "/usage.db", clock_);
    ASSERT_TRUE(store) << store.error().ToString();
    store_ = std::move(*store);
  }
  void StartSupervisor() {
    journal_.questions.clear();
    tally_.emplace(clock_, journal_, series_, UsageTally::Cpu::kOfCanvases);
    Status loaded = Fail(ErrorCode::kInternal, "not answered");
    tally_->LoadDay([&](const Status& status) { loaded = status; });
    ASSERT_EQ(journal_.questions.size(), 1u);
    auto list = store_->Sum(journal_.questions[0].question.usage_wanted());
    ASSERT_TRUE(list) << list.error().ToString();
    proto::FromWriter answer;
    *answer.mutable_usage() = *list;
    auto answered = std::move(journal_.questions[0].answered);
    journal_.questions.clear();
    answered(answer);
    ASSERT_TRUE(loaded);
  }

  void Use() {
    const std::string canvas = "canvas-" + std::to_string(Any(1, 5));
    const int64_t hour = UnixMillis(clock_.Wall()) / 1000 / 3600 * 3600;
    Used& now = untold_[{hour, canvas}];
    if (OneIn(3)) {
      uint64_t cpu_us = Any(1, 1'000'000);
      tally_->CpuUsed(canvas, cpu_us);
      now.cpu_us += cpu_us;
      return;
    }
    EndedRun run;
    run.canvas = canvas;
    run.verdict = OneIn(4) ? proto::VERDICT_WALL_TIME : proto::VERDICT_FINISHED;
    run.had_worker = true;
    tally_->Ended(run);
    ++now.runs[run.verdict == proto::VERDICT_FINISHED ? "finished" : "wall_time"];
  }

  // The writer does some of what it was asked; some answers do not come.
  void Serve() {
    while (!journal_.questions.empty()) {
      auto question = std::move(journal_.questions.front());
      journal_.questions.erase(journal_.questions.begin());
      bool last = journal_.questions.empty();
      if (writer_may_fail_ && OneIn(20)) {  // it never came to it
        question.answered(Fail(ErrorCode::kUnavailable, "away"));
        continue;
      }
      Status taken = store_->Take(question.question.usage_told());
      ASSERT_TRUE(taken) << taken.error().ToString();
      if (writer_may_fail_ && OneIn(20)) {  // it died before it said so, and the next one is asked
        KillWriter();
        question.answered(Fail(ErrorCode::kUnavailable, "away"));
        continue;
      }
      question.answered(proto::FromWriter());
      if (last && tally_->settled()) Keep();
    }
  }
  void KillWriter() {
    store_.reset();
    StartWriter();
  }

  // The model: what was counted, and what of it is known to be kept.
  void Keep() {
    for (auto& [key, used] : untold_) {
      kept_[key].cpu_us += used.cpu_us;
      for (auto& [verdict, count] : used.runs) kept_[key].runs[verdict] += count;
    }
    untold_.clear();
  }
  // It may have told more than it knows to be kept, and never less.
  void KillSupervisor() {
    if (!tally_->settled()) {
      // Some of it was taken and some was not: only what the store says now can be told.
      std::map<HourOfCanvas, Used> stored = Stored();
      for (auto& [key, kept] : kept_) {
        ASSERT_GE(stored[key].cpu_us, kept.cpu_us);
        for (auto& [verdict, count] : kept.runs) ASSERT_GE(stored[key].runs[verdict], count);
      }
      for (auto& [key, used] : stored) {
        ASSERT_LE(used.cpu_us, kept_[key].cpu_us + untold_[key].cpu_us);
        for (auto& [verdict, count] : used.runs)
          ASSERT_LE(count, kept_[key].runs[verdict] + untold_[key].runs[verdict]);
      }
      kept_ = stored;
    }
    untold_.clear();
    ++deaths_;
    StartSupervisor();
  }

  std::map<HourOfCanvas, Used> Stored() {
    proto::UsageWanted wanted;
    wanted.set_until_unix_s(INT32_MAX);
    wanted.set_rows_max(100'000);
    auto list = store_->Sum(wanted);
    EXPECT_TRUE(list);
    std::map<HourOfCanvas, Used> stored;
    for (const auto& row : list->rows()) {
      Used& used = stored[{row.begins_unix_s(), row.canvas()}];
      used.cpu_us = row.used().cpu_us();
      used.runs = {row.used().runs().begin(), row.used().runs().end()};
    }
    return stored;
  }
  void Check() {
    std::erase_if(kept_, [](const auto& each) { return each.second == Used(); });
    EXPECT_TRUE(Stored() == kept_);
    EXPECT_GT(deaths_, 5);
    EXPECT_GT(kept_.size(), 100u);
  }
  // What quotas go by is what is kept of today, and what is about to be.
  void CheckDay() {
    const auto today = policy::DayOf(clock_.Wall());
    for (int i = 1; i <= 5; ++i) {
      const std::string canvas = "canvas-" + std::to_string(i);
      uint64_t cpu_us = 0, runs = 0;
      for (const auto* counted : {&kept_, &untold_})
        for (const auto& [key, used] : *counted) {
          WallTime begin{std::chrono::seconds(key.first)};
          if (key.second != canvas || policy::DayOf(begin) != today) continue;
          cpu_us += used.cpu_us;
          for (const auto& [verdict, count] : used.runs) runs += count;
        }
      policy::DayUse used = tally_->UsedToday(canvas);
      if (used.day != today) used = {};
      ASSERT_EQ(used.cpu_us, cpu_us) << canvas;
      ASSERT_EQ(used.runs, runs) << canvas;
    }
  }

  std::mt19937_64 random_;
  FakeClock clock_;
  FakeJournal journal_;
  CanvasSeries series_;
  std::string dir_;
  std::unique_ptr<UsageStore> store_;
  std::optional<UsageTally> tally_;
  std::map<HourOfCanvas, Used> kept_;
  std::map<HourOfCanvas, Used> untold_;
  bool writer_may_fail_ = true;
  int deaths_ = 0;
};

TEST(UsageWeekTest, NothingIsCountedTwiceOrLostButWhatWasNotTold) {
  const char* given = getenv("NIGHTJAR_USAGE_SEED");
  const uint64_t seed = given != nullptr ? strtoull(given, nullptr, 10) : std::random_device()();
  printf("usage: seed %llu (NIGHTJAR_USAGE_SEED)\n", static_cast<unsigned long long>(seed));
  Week(seed).Live();
}

}  // namespace
}  // namespace nightjar::testing
