// A day of a few thousand canvases under the shipped rules: those that are planted are hit, and
// nobody else. NIGHTJAR_RULES_SEED makes another day.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <random>
#include <set>

#include "tests/unit/rules/rig.h"

namespace nightjar::rules {
namespace {

using enum Counter;

constexpr int kHonest = 3000;
constexpr int kMinutes = 24 * 60;
constexpr double kBusiestPerMinute = 2000;

// What a canvas is like, as far as a rule could mistake it.
enum class Habit {
  kPlain,
  kHeavy,  // much processor time, well below the limit
  kManyProcesses,
  kNoIcon,    // half of what comes asks for a file that is missing
  kTemplate,  // the same code as hundreds of others
  kLargeTraces,
  kBroken,  // one of its handlers is killed each time
  kBursts,  // too many visitors for a minute, each hour
  kHabits,
};

class Day {
 public:
  explicit Day(uint64_t seed) : random_(seed) {
    for (int rank = 0; rank < kHonest; ++rank) {
      Habit habit = rank % 3 == 0 ? static_cast<Habit>(rank / 3 % static_cast<int>(Habit::kHabits))
                                  : Habit::kPlain;
      honest_.push_back(
          {"site" + std::to_string(rank), habit, kBusiestPerMinute / std::pow(rank + 1, 1.1)});
    }
  }

  void Live() {
    for (int minute = 0; minute < kMinutes; ++minute) {
      rig_.Pass(std::chrono::minutes(1));
      for (const Site& site : honest_)
        if (const uint64_t runs = Some(site.per_minute * TimeOfDay(minute)); runs > 0)
          rig_.finder.Count(site.name, Honest(site, runs, minute), rig_.now);
      Offend(minute);
      rig_.Look();
      for (const Change& change : rig_.changes) {
        EXPECT_FALSE(change.hold_back) << change.explanation;
        if (change.kind == Change::Kind::kEnded) ++ended_;
        if (change.kind == Change::Kind::kBegan) hits_[change.canvas].insert(change.rule->name);
      }
    }
    // All of it is over when the longest of windows and hits are.
    for (int minute = 0; minute < 3 * 60; ++minute) {
      rig_.Pass(std::chrono::minutes(1));
      rig_.Look();
      for (const Change& change : rig_.changes)
        if (change.kind == Change::Kind::kEnded) ++ended_;
    }
  }

  const std::map<std::string, std::set<std::string>>& hits() const { return hits_; }
  size_t ended() const { return ended_; }
  size_t canvases() const { return rig_.finder.canvases(); }

 private:
  struct Site {
    std::string name;
    Habit habit;
    double per_minute;
  };

  static double TimeOfDay(int minute) { return 1 + 0.8 * std::sin(2 * M_PI * minute / kMinutes); }

  uint64_t Some(double expected) { return std::poisson_distribution<uint64_t>(expected)(random_); }

  static Counts Runs(uint64_t runs, uint64_t cpu_us = 10'000, uint64_t response_bytes = 2'000) {
    return CountsOf({{kRequests, runs},
                     {kRuns, runs},
                     {kCpu, runs * cpu_us},
                     {kRequestBytes, runs * 400},
                     {kResponseBytes, runs * response_bytes},
                     {kTraceEvents, runs * 20},
                     {kTraceBytes, runs * 2'000},
                     {kProcesses, runs},
                     {kSameCode, 1}});
  }

  Counts Honest(const Site& site, uint64_t runs, int minute) {
    Counts counts = Runs(runs);
    const double all = static_cast<double>(runs);
    counts[kErrors] = std::min(runs, Some(all * 0.02));
    counts[kKills] = counts[kKillsWallTime] = std::min(runs, Some(all * 0.002));
    counts[kNearWall] = counts[kNearLimits] = std::min(runs, Some(all * 0.005));
    counts[kNotFound] = counts[kMissedPaths] = Some(all * 0.02);
    counts[kRequests] += counts[kNotFound];
    switch (site.habit) {
      case Habit::kHeavy:
        counts[kCpu] = runs * 1'200'000;
        break;
      case Habit::kManyProcesses:
        counts[kProcesses] = runs * 7;
        counts[kNearPids] = runs;
        break;
      case Habit::kNoIcon:
        counts[kNotFound] = runs;
        counts[kMissedPaths] = std::min<uint64_t>(runs, 30);
        counts[kRequests] = 2 * runs;
        break;
      case Habit::kTemplate:
        counts[kSameCode] = 125;
        break;
      case Habit::kLargeTraces:
        counts[kTraceBytes] = runs * 900'000;
        break;
      case Habit::kBroken:
        counts[kKills] = counts[kKillsMemory] = runs / 10;
        break;
      case Habit::kBursts:
        if (minute % 60 == 0) {
          counts[kRefused] = counts[kRefusedQueue] = 4 * runs;
          counts[kRequests] += 4 * runs;
        }
        break;
      default:
        break;
    }
    return counts;
  }

  void Tell(const char* name, Counts counts,
            const std::vector<std::pair<Counter, uint64_t>>& more) {
    counts.Add(CountsOf(more));
    rig_.finder.Count(name, counts, rig_.now);
  }

  // From three to five in the morning, when nobody looks.
  void Offend(int minute) {
    if (minute < 3 * 60 || minute >= 5 * 60) return;
    Tell("x-runaway", Runs(6), {{kKills, 5}, {kKillsWallTime, 5}});
    Tell("x-miner", Runs(60, 1'900'000, 60), {{kNearCpu, 60}, {kNearLimits, 60}});
    Tell("x-forks", Runs(5),
         {{kKills, 2}, {kKillsPids, 2}, {kNearPids, 3}, {kProcesses, 35}, {kNearLimits, 3}});
    Tell("x-scanned", Runs(10), {{kRequests, 110}, {kNotFound, 110}, {kMissedPaths, 100}});
    Tell("x-flooded", Runs(500), {{kRequests, 1500}, {kRefused, 1500}, {kRefusedQueue, 1500}});
    Tell("x-traces", Runs(60), {{kTraceBytes, 60 << 20}, {kTraceDropped, 60 * 50'000}});
    for (const char* copy : {"x-copy1", "x-copy2", "x-copy3", "x-copy4", "x-copy5"})
      Tell(copy, Runs(3), {{kKills, 1}, {kKillsCpuTime, 1}, {kSameCode, 5}});
  }

  std::mt19937_64 random_;
  Rig rig_{ShippedRules(), 16};
  std::vector<Site> honest_;
  std::map<std::string, std::set<std::string>> hits_;
  size_t ended_ = 0;
};

TEST(BusyDayTest, OnlyThosePlantedAreHit) {
  const char* given = getenv("NIGHTJAR_RULES_SEED");
  const uint64_t seed = given != nullptr ? strtoull(given, nullptr, 10) : 1;
  printf("rules: day %llu (NIGHTJAR_RULES_SEED)\n", static_cast<unsigned long long>(seed));
  Day day(seed);
  day.Live();
  const std::map<std::string, std::set<std::string>> planted = {
      {"x-runaway", {"runaway"}}, {"x-miner", {"miner"}},         {"x-forks", {"fan_out"}},
      {"x-scanned", {"scanner"}}, {"x-flooded", {"queue_flood"}}, {"x-traces", {"trace_flood"}},
      {"x-copy1", {"copies"}},    {"x-copy2", {"copies"}},        {"x-copy3", {"copies"}},
      {"x-copy4", {"copies"}},    {"x-copy5", {"copies"}}};
  EXPECT_EQ(day.hits(), planted);
  EXPECT_EQ(day.ended(), planted.size()) << "each hit is over in the end";
  EXPECT_EQ(day.canvases(), 0u) << "and nobody is remembered";
}

}  // namespace
}  // namespace nightjar::rules
