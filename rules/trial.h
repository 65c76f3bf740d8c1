// Rules held against what was counted: which canvases they would have hit, when and why. Pure.
//
// As the rules in force do it, but that what was counted in a slot counts at its end, and that
// there is a look at each slot's end alone: a hit is found up to a slot later.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "ipc/proto/control.pb.h"
#include "rules/hit_finder.h"

namespace nightjar::rules {

class Trial {
 public:
  // `processors`: what 100 % of cpu_share is.
  Trial(std::shared_ptr<const RuleSet> rules, unsigned processors);

  // Oldest first; of one begin any number.
  void Take(const proto::CounterSlot& slot);
  // What would have been hit until then, oldest first, `since` being told as it is. Once.
  proto::RuleTrial Finish(Time since, Time until);

 private:
  void LookUntil(Time time);
  void Note(const Change& change);

  std::shared_ptr<const RuleSet> rules_;
  HitFinder finder_;
  Time next_look_{};  // the epoch: nothing was counted yet
  Time counted_{};    // up to then
  std::set<std::string> canvases_;
  std::set<int64_t> slots_;  // begins of those that something happened in
  std::map<std::pair<std::string, std::string>, int> open_;  // by rule and canvas: place in hits
  proto::RuleTrial trial_;
};

}  // namespace nightjar::rules
