// The finder against a model that keeps everything and adds it up anew at each look, under random
// rules and traffic. NIGHTJAR_RULES_SEED repeats a run.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <optional>
#include <random>
#include <set>

#include "tests/unit/rules/rig.h"

namespace nightjar::rules {
namespace {

using enum Counter;

constexpr unsigned kProcessors = 2;
constexpr int kSetsOfRules = 25;
constexpr int kSteps = 250;

class Model {
 public:
  explicit Model(std::shared_ptr<const RuleSet> rules) : rules_(std::move(rules)) {}

  void Count(const std::string& canvas, const Counts& counts, Time at) {
    now_ = std::max(now_, at);
    if (!counts.empty()) past_[canvas].push_back({now_, counts});
  }

  void GoOn(const std::string& name, const std::string& canvas, Time began, Time at) {
    now_ = std::max(now_, at);
    const Rule* rule = rules_->Find(name);
    Hit& hit = hits_[{rule, canvas}];
    if (hit.began) return;
    hit = {};
    hit.began = hit.acted = std::min(began, now_);
    while (rule->lasting > Seconds(0) && *hit.acted + rule->lasting <= now_)
      *hit.acted += rule->lasting;
  }

  // Lines as ToldBy() makes them.
  std::vector<std::string> Look(Time at) {
    now_ = std::max(now_, at);
    std::vector<std::string> told;
    for (const Rule& rule : rules_->rules) {
      std::vector<std::string> changes;
      size_t hits = 0;
      size_t hits_in_use = 0;
      size_t in_use = 0;
      for (const auto& canvas : Known()) {
        const std::string change = LookAt(rule, canvas);
        if (!change.empty()) changes.push_back(change);
        const bool is_hit = hits_[{&rule, canvas}].began.has_value();
        const bool is_used = IsUsed(rule.window, canvas);
        hits += is_hit ? 1 : 0;
        in_use += is_used ? 1 : 0;
        hits_in_use += is_hit && is_used ? 1 : 0;
      }
      const bool is_suspicious = hits > kHitsSuspicious && 2 * hits_in_use > in_use;
      for (const std::string& change : changes)
        told.push_back(change +
                       (is_suspicious && !change.starts_with("ended") ? ", held back" : ""));
    }
    return told;
  }

  size_t canvases() const {
    size_t used = 0;
    for (const auto& [canvas, past] : past_)
      if (IsUsed(rules_->longest_window(), canvas)) ++used;
    return used;
  }

 private:
  struct Past {
    Time at;
    Counts counts;
  };
  struct Hit {
    std::optional<Time> met_since;
    std::optional<Time> began;
    std::optional<Time> acted;
    std::optional<Time> unmet_since;
  };

  static int64_t SliceOf(Time at, Seconds window) {
    return at.time_since_epoch() * kSlices / window;
  }

  std::set<std::string> Known() const {
    std::set<std::string> known;
    for (const auto& [canvas, past] : past_) known.insert(canvas);
    for (const auto& [of, hit] : hits_) known.insert(of.second);
    return known;
  }

  std::vector<Counts> Within(Seconds window, const std::string& canvas) const {
    std::vector<Counts> within;
    auto found = past_.find(canvas);
    if (found == past_.end()) return within;
    for (const Past& past : found->second)
      if (SliceOf(past.at, window) > SliceOf(now_, window) - kSlices) within.push_back(past.counts);
    return within;
  }

  bool IsUsed(Seconds window, const std::string& canvas) const {
    return !Within(window, canvas).empty();
  }

  static double Sum(const std::vector<Counter>& counters, const std::vector<Counts>& within) {
    double sum = 0;
    for (Counter counter : counters) {
      uint64_t all = 0;
      for (const Counts& counts : within)
        all = KeyOf(counter).is_level ? std::max(all, counts[counter]) : all + counts[counter];
      sum += static_cast<double>(all);
    }
    return sum;
  }

  bool IsMet(const Rule& rule, const std::string& canvas, double clear_at) const {
    const auto is_named = [&](const std::vector<std::string>& names) {
      return std::count(names.begin(), names.end(), canvas) > 0;
    };
    if ((!rule.only.empty() && !is_named(rule.only)) || is_named(rule.except)) return false;
    const std::vector<Counts> within = Within(rule.window, canvas);
    if (within.empty()) return false;
    for (const Condition& condition : rule.when) {
      double value = 0;
      if (condition.is_cpu_share) {
        value = Sum({kCpu}, within) /
                (static_cast<double>(rule.window.count()) * 1'000'000 * kProcessors);
      } else {
        value = Sum(condition.amount, within);
        const double per = condition.per.empty() ? 1 : Sum(condition.per, within);
        if (per == 0) return false;
        value /= per;
      }
      if (condition.at_least ? value < condition.bound * clear_at
                             : value > condition.bound / clear_at)
        return false;
    }
    return true;
  }

  std::string LookAt(const Rule& rule, const std::string& canvas) {
    Hit& hit = hits_[{&rule, canvas}];
    const bool is_met = IsMet(rule, canvas, hit.began ? rule.clear_at : 1);
    if (!hit.began) {
      if (!is_met) hit.met_since.reset();
      if (is_met && !hit.met_since) hit.met_since = now_;
      if (!hit.met_since || now_ - *hit.met_since < rule.held) return "";
      hit.began = hit.acted = now_;
      return Line("began", rule, canvas, *hit.began);
    }
    if (is_met) {
      hit.unmet_since.reset();
      if (rule.lasting == Seconds(0) || now_ < *hit.acted + rule.lasting) return "";
      hit.acted = now_;
      return Line("again", rule, canvas, *hit.began);
    }
    if (!hit.unmet_since) hit.unmet_since = now_;
    if (now_ < *hit.unmet_since + rule.keep) return "";
    const Time began = *hit.began;
    hit = {};
    return Line("ended", rule, canvas, began);
  }

  std::string Line(const char* kind, const Rule& rule, const std::string& canvas, Time began) {
    return std::string(kind) + " " + rule.name + " " + canvas + " after " +
           std::to_string((now_ - began).count()) + "s";
  }

  std::shared_ptr<const RuleSet> rules_;
  std::map<std::string, std::vector<Past>> past_;
  std::map<std::pair<const Rule*, std::string>, Hit> hits_;
  Time now_{};
};

std::vector<std::string> ToldBy(const std::vector<Change>& changes) {
  std::vector<std::string> told;
  for (const Change& change : changes) {
    told.push_back(LineOf(change) + " after " + std::to_string((change.at - change.began).count()) +
                   "s" + (change.hold_back ? ", held back" : ""));
    EXPECT_EQ(change.findings.size(),
              change.kind == Change::Kind::kEnded ? 0 : change.rule->when.size());
  }
  return told;
}

class Chance {
 public:
  explicit Chance(uint64_t seed) : random_(seed) {}

  uint64_t Below(uint64_t most) { return random_() % most; }
  bool OneIn(uint64_t times) { return Below(times) == 0; }
  std::string Of(const std::vector<std::string>& words) { return words[Below(words.size())]; }
  std::string Canvas() { return "c" + std::to_string(Below(24)); }

  std::string Condition() {
    const std::string sign = OneIn(4) ? " <= " : " >= ";
    const std::string number = std::to_string(1 + Below(40));
    const std::string part = std::to_string(1 + Below(99)) + "%";
    switch (Below(8)) {
      case 0:
        return "kills" + sign + number;
      case 1:
        return "kills / runs" + sign + part;
      case 2:
        return "errors + kills / runs + refused" + sign + part;
      case 3:
        return "response_bytes / runs" + sign + std::to_string(1 + Below(2000)) + "B";
      case 4:
        return "cpu_share" + sign + part;
      case 5:
        return "cpu" + sign + number + "s";
      case 6:
        return "same_code" + sign + std::to_string(1 + Below(9));
      default:
        return "requests + runs" + sign + number;
    }
  }

  std::string Rule(int number) {
    std::string text = "[rule.r" + std::to_string(number) + "]\nhits_everything = true\n";
    std::string first = Condition();
    // The second is of another kind than any of the first.
    text +=
        "when = [\"" + first + "\"" + (OneIn(2) ? ", \"not_found / requests <= 80%\"" : "") + "]\n";
    text += "window = \"" + Of({"1m", "90s", "7m", "1h", "3h"}) + "\"\n";
    if (OneIn(2)) text += "for = \"" + Of({"1s", "45s", "5m"}) + "\"\n";
    if (OneIn(2)) text += "keep_firing_for = \"" + Of({"0s", "10s", "4m", "2h"}) + "\"\n";
    if (OneIn(2)) text += "clear_at = " + Of({"0.1", "0.5", "0.9", "1"}) + "\n";
    if (OneIn(2))
      text +=
          "actions = [\"pause\"]\nlasting = \"" + Of({"1m", "10m", "1h", "until lifted"}) + "\"\n";
    if (OneIn(6)) text += Of({"only", "except"}) + " = [\"c1\", \"c2\", \"c3\"]\n";
    return text;
  }

  Counts Traffic() {
    Counts counts;
    for (Counter counter : {kRequests, kRuns, kKills, kErrors, kRefused, kNotFound})
      if (OneIn(3)) counts[counter] = Below(8);
    if (OneIn(3)) counts[kCpu] = Below(30'000'000);
    if (OneIn(3)) counts[kResponseBytes] = Below(5'000);
    if (OneIn(3)) counts[kSameCode] = Below(8);
    return counts;
  }

  Seconds Step() {
    if (OneIn(20)) return Seconds(Below(4 * 3600));
    return Seconds(Below(OneIn(2) ? 4 : 120));
  }

 private:
  std::mt19937_64 random_;
};

void Compare(Chance& chance) {
  std::string text;
  for (int number = 0; number < 6; ++number) text += chance.Rule(number);
  SCOPED_TRACE(text);
  auto rules = RulesOf(text);
  ASSERT_FALSE(rules->rules.empty());
  Model model(rules);
  Rig rig(rules, kProcessors);
  for (int step = 0; step < kSteps; ++step) {
    rig.Pass(chance.Step());
    // Now and then a clock that is late.
    const Time at = chance.OneIn(10) ? rig.now - chance.Step() : rig.now;
    for (uint64_t i = chance.Below(24); i > 0; --i) {
      const std::string canvas = chance.Canvas();
      const Counts counts = chance.Traffic();
      rig.finder.Count(canvas, counts, at);
      model.Count(canvas, counts, at);
    }
    if (chance.OneIn(25)) {
      const std::string canvas = chance.Canvas();
      const Time began = rig.now - chance.Step();
      rig.finder.GoOn("r0", canvas, began, at);
      model.GoOn("r0", canvas, began, at);
    }
    if (chance.OneIn(4)) continue;
    const std::vector<std::string> expected = model.Look(at);
    ASSERT_EQ(ToldBy(rig.finder.Look(at)), expected) << "step " << step;
    ASSERT_EQ(rig.finder.canvases(), model.canvases()) << "step " << step;
  }
}

TEST(HitFinderModelTest, TellsWhatAddingUpEverythingTells) {
  const char* given = getenv("NIGHTJAR_RULES_SEED");
  const uint64_t seed = given != nullptr ? strtoull(given, nullptr, 10) : std::random_device()();
  printf("rules: seed %llu (NIGHTJAR_RULES_SEED)\n", static_cast<unsigned long long>(seed));
  Chance chance(seed);
  for (int i = 0; i < kSetsOfRules && !::testing::Test::HasFatalFailure(); ++i) Compare(chance);
}

}  // namespace
}  // namespace nightjar::rules
