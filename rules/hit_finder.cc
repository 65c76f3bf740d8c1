#include "rules/hit_finder.h"

#include <algorithm>
#include <functional>
#include <map>
#include <queue>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "rules/explanation.h"
#include "rules/measure.h"
#include "rules/slices.h"

namespace nightjar::rules {
namespace {

// Between two Looks a rule that is not met and was not is nowhere: a canvas has a state only else.
struct State {
  bool is_hit = false;  // else met, and not for long enough
  Time since{};         // of the hit, or of being met
  Time acted_at{};      // when kBegan or the last kAgain was told
  std::optional<Time> unmet_since;
};

struct Window {
  Seconds length{};
  KeptCounters kept;

  int64_t SliceAt(Time at) const {
    return at.time_since_epoch().count() * kSlices / length.count();
  }
  // The oldest slice that the window has at that time.
  int64_t FirstAt(Time at) const { return SliceAt(at) - kSlices + 1; }
  // When it no longer has it: rounded up, as a slice need not begin with a second.
  Time EndOf(int64_t slice) const {
    return Time(Seconds(((slice + kSlices) * length.count() + kSlices - 1) / kSlices));
  }
};

struct Past {
  Slices slices;
  bool is_awaited = false;  // in Work::losing_
};

struct Canvas {
  std::string name;
  std::vector<Past> windows;     // as Work::windows_
  std::map<size_t, State> open;  // by the rule's number
  bool is_changed = false;       // in Work::changed_

  bool is_forgotten() const {
    return open.empty() && std::all_of(windows.begin(), windows.end(), [](const Past& past) {
             return past.slices.empty() && !past.is_awaited;
           });
  }
};

// A window of a canvas loses a slice then, or has lost it before.
struct Losing {
  Time at{};
  Canvas* canvas = nullptr;
  size_t window = 0;
  bool operator>(const Losing& other) const { return at > other.at; }
};

// What a canvas did within a window, as a condition asks for it.
struct Amounts {
  const Window& window;
  const Slices& slices;
  uint64_t operator[](Counter counter) const { return slices.Total(window.kept.PlaceOf(counter)); }
};

struct Told {
  size_t rule = 0;
  Change change;
};

// Of one rule, at one Look.
struct Spread {
  size_t hits = 0;
  size_t hits_in_use = 0;  // on canvases that were used within its window
};

}  // namespace

class HitFinder::Work {
 public:
  Work(const RuleSet& rules, unsigned processors) : processors_(processors) {
    for (const Rule& rule : rules.rules)
      compiled_.push_back({&rule, WindowOf(rule), Names(rule.only), Names(rule.except)});
    auto shorter = [](const Window& a, const Window& b) { return a.length < b.length; };
    longest_ = static_cast<size_t>(std::max_element(windows_.begin(), windows_.end(), shorter) -
                                   windows_.begin());
    in_use_.assign(windows_.size(), 0);
  }

  void Count(const std::string& name, const Counts& counts, Time at) {
    now_ = std::max(now_, at);
    if (counts.empty() || windows_.empty()) return;
    Canvas& canvas = CanvasNamed(name);
    Forget(canvas);
    for (size_t i = 0; i < windows_.size(); ++i) {
      Slices& slices = canvas.windows[i].slices;
      if (slices.empty()) ++in_use_[i];
      slices.Add(windows_[i].SliceAt(now_), windows_[i].kept, counts);
    }
    Await(canvas);
    Mark(canvas);
  }

  // Only what may be otherwise than at the last Look is looked at: where something was counted or
  // left a window, and what is open.
  std::vector<Change> Look(Time at) {
    now_ = std::max(now_, at);
    told_.clear();
    spread_.assign(compiled_.size(), {});
    for (; !losing_.empty() && losing_.top().at <= now_; losing_.pop()) {
      Canvas& canvas = *losing_.top().canvas;
      canvas.windows[losing_.top().window].is_awaited = false;
      Mark(canvas);
    }
    for (Canvas* canvas : open_) Mark(*canvas);
    open_.clear();
    for (Canvas* canvas : std::exchange(changed_, {})) {
      Forget(*canvas);
      Judge(*canvas);
      canvas->is_changed = false;
      if (!canvas->open.empty()) open_.push_back(canvas);
      Await(*canvas);
      if (canvas->is_forgotten()) canvases_.erase(canvases_.find(canvas->name));
    }
    return Changes();
  }

  void GoOn(size_t number, const std::string& name, Time began, Time at) {
    now_ = std::max(now_, at);
    Canvas& canvas = CanvasNamed(name);
    Mark(canvas);
    State& state = canvas.open[number];
    if (state.is_hit) return;
    const Seconds lasting = compiled_[number].rule->lasting;
    const Time since = std::min(began, now_);
    // It was acted on when it began, and each time that this was over.
    const Time acted = lasting > Seconds(0) ? since + (now_ - since) / lasting * lasting : since;
    state = {true, since, acted, std::nullopt};
  }

  // As of the last Look, with what was counted since.
  size_t canvases() const { return windows_.empty() ? 0 : in_use_[longest_]; }

 private:
  struct Compiled {
    const Rule* rule = nullptr;
    size_t window = 0;
    std::unordered_set<std::string> only;
    std::unordered_set<std::string> except;

    bool IsAbout(const std::string& canvas) const {
      return (only.empty() || only.contains(canvas)) && !except.contains(canvas);
    }
  };

  static std::unordered_set<std::string> Names(const std::vector<std::string>& names) {
    return {names.begin(), names.end()};
  }

  size_t WindowOf(const Rule& rule) {
    auto found = std::find_if(windows_.begin(), windows_.end(),
                              [&](const Window& window) { return window.length == rule.window; });
    if (found == windows_.end()) found = windows_.insert(found, Window{rule.window, {}});
    for (const Condition& condition : rule.when) {
      if (condition.is_cpu_share) found->kept.Keep(Counter::kCpu);
      for (Counter counter : condition.amount) found->kept.Keep(counter);
      for (Counter counter : condition.per) found->kept.Keep(counter);
    }
    return static_cast<size_t>(found - windows_.begin());
  }

  Canvas& CanvasNamed(const std::string& name) {
    auto [at, is_new] = canvases_.try_emplace(name);
    if (is_new) {
      at->second.name = name;
      at->second.windows.resize(windows_.size());
    }
    return at->second;
  }

  void Mark(Canvas& canvas) {
    if (!canvas.is_changed) changed_.push_back(&canvas);
    canvas.is_changed = true;
  }

  void Forget(Canvas& canvas) {
    for (size_t i = 0; i < windows_.size(); ++i) {
      Slices& slices = canvas.windows[i].slices;
      if (slices.empty()) continue;
      slices.Forget(windows_[i].FirstAt(now_), windows_[i].kept);
      if (slices.empty()) --in_use_[i];
    }
  }

  // Sees to it that what it did is forgotten in time.
  void Await(Canvas& canvas) {
    for (size_t i = 0; i < windows_.size(); ++i) {
      Past& past = canvas.windows[i];
      if (past.slices.empty() || past.is_awaited) continue;
      losing_.push({windows_[i].EndOf(past.slices.oldest()), &canvas, i});
      past.is_awaited = true;
    }
  }

  void Judge(Canvas& canvas) {
    for (size_t number = 0; number < compiled_.size(); ++number) {
      const bool in_use = !canvas.windows[compiled_[number].window].slices.empty();
      auto open = canvas.open.find(number);
      if (open == canvas.open.end() && !in_use) continue;
      open = Judge(canvas, number, open);
      if (open == canvas.open.end() || !open->second.is_hit) continue;
      ++spread_[number].hits;
      if (in_use) ++spread_[number].hits_in_use;
    }
  }

  using Place = std::map<size_t, State>::iterator;

  // The state afterwards.
  Place Judge(Canvas& canvas, size_t number, Place open) {
    const Rule& rule = *compiled_[number].rule;
    const bool is_open = open != canvas.open.end();
    const bool was_hit = is_open && open->second.is_hit;
    if (!IsMet(canvas, number, was_hit ? rule.clear_at : 1)) {
      if (!is_open) return open;
      State& state = open->second;
      if (was_hit && !state.unmet_since) state.unmet_since = now_;
      if (was_hit && now_ - *state.unmet_since < rule.keep) return open;
      if (was_hit)
        Tell(Change::Kind::kEnded, canvas.name, number, state.since,
             ExplainEnd(rule, now_ - state.since, now_ - *state.unmet_since));
      canvas.open.erase(open);
      return canvas.open.end();
    }
    if (!is_open) open = canvas.open.emplace(number, State{false, now_, {}, {}}).first;
    State& state = open->second;
    state.unmet_since.reset();
    if (!was_hit && now_ - state.since < rule.held) return open;
    const bool again =
        was_hit && rule.lasting > Seconds(0) && now_ - state.acted_at >= rule.lasting;
    if (was_hit && !again) return open;
    if (!was_hit) state = {true, now_, {}, {}};
    state.acted_at = now_;
    Tell(again ? Change::Kind::kAgain : Change::Kind::kBegan, canvas.name, number, state.since,
         Explain(rule, values_));
    told_.back().change.findings = FindingsOf(rule, values_);
    return open;
  }

  // Leaves what the conditions came to in values_.
  bool IsMet(const Canvas& canvas, size_t number, double clear_at) {
    const Compiled& compiled = compiled_[number];
    const Slices& slices = canvas.windows[compiled.window].slices;
    if (slices.empty()) return false;
    const Amounts amounts{windows_[compiled.window], slices};
    values_.clear();
    for (const Condition& condition : compiled.rule->when) {
      auto value = Measure(condition, compiled.rule->window, processors_, amounts);
      if (!value || !Meets(condition, *value, clear_at)) return false;
      values_.push_back(*value);
    }
    return compiled.IsAbout(canvas.name);
  }

  void Tell(Change::Kind kind, const std::string& name, size_t number, Time began,
            std::string explanation) {
    told_.push_back(
        {number,
         {kind, compiled_[number].rule, name, now_, began, {}, std::move(explanation), false}});
  }

  std::vector<Change> Changes() {
    std::sort(told_.begin(), told_.end(), [](const Told& a, const Told& b) {
      return std::tie(a.rule, a.change.canvas) < std::tie(b.rule, b.change.canvas);
    });
    std::vector<Change> changes;
    for (Told& told : told_) {
      const Spread& spread = spread_[told.rule];
      const size_t in_use = in_use_[compiled_[told.rule].window];
      if (told.change.kind != Change::Kind::kEnded && spread.hits > kHitsSuspicious &&
          2 * spread.hits_in_use > in_use) {
        told.change.hold_back = true;
        told.change.explanation +=
            "; held back: the rule hits " + std::to_string(spread.hits_in_use) + " of " +
            std::to_string(in_use) + " canvases in use, which looks like a mistake in it";
      }
      changes.push_back(std::move(told.change));
    }
    return changes;
  }

  unsigned processors_;
  std::vector<Window> windows_;  // of different lengths
  size_t longest_ = 0;
  std::vector<Compiled> compiled_;                    // in the order of the rules
  std::unordered_map<std::string, Canvas> canvases_;  // a Canvas stays where it is
  std::vector<size_t> in_use_;                        // canvases, by the window
  std::vector<Canvas*> changed_;                      // since the last Look
  std::vector<Canvas*> open_;
  // Of each window of a canvas that has anything, one. It goes before its Canvas does: when a
  // window has nothing any more, that time has come.
  std::priority_queue<Losing, std::vector<Losing>, std::greater<>> losing_;
  Time now_{};
  // Of one Look.
  std::vector<Told> told_;
  std::vector<Spread> spread_;
  std::vector<double> values_;
};

HitFinder::HitFinder(std::shared_ptr<const RuleSet> rules, unsigned processors)
    : rules_(std::move(rules)), work_(std::make_unique<Work>(*rules_, std::max(processors, 1u))) {}

HitFinder::~HitFinder() = default;

void HitFinder::Count(const std::string& canvas, const Counts& counts, Time at) {
  work_->Count(canvas, counts, at);
}

std::vector<Change> HitFinder::Look(Time at) {
  return work_->Look(at);
}

void HitFinder::GoOn(const std::string& rule, const std::string& canvas, Time began, Time at) {
  if (const Rule* found = rules_->Find(rule))
    work_->GoOn(static_cast<size_t>(found - rules_->rules.data()), canvas, began, at);
}

size_t HitFinder::canvases() const {
  return work_->canvases();
}

}  // namespace nightjar::rules
