// Which canvases a set of rules hits, told as time goes by. Pure: what happened and the time come
// in, what begins and ends comes out; nothing is done here. One thread.
//
// A window is a row of kSlices slices, of which the oldest goes as a whole: it covers between
// (kSlices - 1) / kSlices of its time and all of it. Memory is bounded by the canvases that were
// used within the longest window.
//
// Time never goes back: what is told of an earlier time counts as of the latest one. A canvas that
// was not used within a rule's window meets it in nothing, so that each hit comes to its end.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "rules/rule.h"

namespace nightjar::rules {

using Time = std::chrono::sys_seconds;

inline constexpr int kSlices = 20;
// A rule that has hits on more canvases than this, and on more than half of those that were used
// within its window, is taken for a mistake: hits go on being told, but none is to be acted on.
inline constexpr size_t kHitsSuspicious = 10;

struct Finding {
  std::string condition;  // as the file has it
  std::string value;      // what it was, in the condition's unit: "0.83", "41s"
};

struct Change {
  enum class Kind : uint8_t {
    kBegan,
    kAgain,  // it goes on although `lasting` is over since it was acted on
    kEnded,
  };
  Kind kind{};
  const Rule* rule = nullptr;  // of the finder's set
  std::string canvas;
  Time at{};
  Time began{};                   // of this hit
  std::vector<Finding> findings;  // kBegan, kAgain
  std::string explanation;        // one sentence: rule, place, window, each finding
  bool hold_back = false;         // see kHitsSuspicious; the explanation says so. Never acted on
};

class HitFinder {
 public:
  // `processors`: what 100 % of cpu_share is.
  HitFinder(std::shared_ptr<const RuleSet> rules, unsigned processors);
  ~HitFinder();

  // What happened on a canvas between the time before and `at`.
  void Count(const std::string& canvas, const Counts& counts, Time at);
  // Of all canvases, in the order of rules and then of names. Call as often as hits are wanted.
  std::vector<Change> Look(Time at);

  // A hit that another finder had found begun: it goes on from there. No-op for a rule that is not
  // there any more. What happened before `at` is told first: told later it would count as of then.
  void GoOn(const std::string& rule, const std::string& canvas, Time began, Time at);

  const RuleSet& rules() const { return *rules_; }
  // That were used within the longest window, as of the last Look and with those counted since.
  size_t canvases() const;

 private:
  class Work;

  std::shared_ptr<const RuleSet> rules_;
  std::unique_ptr<Work> work_;
};

}  // namespace nightjar::rules
