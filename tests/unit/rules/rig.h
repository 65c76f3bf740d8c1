// A finder with the rules of a text, told and looked at by a clock that the test moves. What it
// tells is kept as lines: "began a shop", "again a shop", "ended a shop".
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "policies/policy_errors.h"
#include "rules/hit_finder.h"
#include "rules/rule_file.h"

namespace nightjar::rules {

inline std::shared_ptr<const RuleSet> RulesOf(const std::string& text) {
  policy::PolicyFile file{"rules.toml", "", text};
  std::vector<policy::PolicyError> errors;
  auto rules = ParseRules(std::span(&file, 1), &errors);
  EXPECT_NE(rules, nullptr) << policy::ErrorLines("rules.toml", errors);
  return rules == nullptr ? std::make_shared<RuleSet>() : rules;
}

inline Counts CountsOf(const std::vector<std::pair<Counter, uint64_t>>& values) {
  Counts counts;
  for (const auto& [counter, value] : values) counts[counter] = value;
  return counts;
}

inline std::string LineOf(const Change& change) {
  const char* kinds[] = {"began ", "again ", "ended "};
  return kinds[static_cast<int>(change.kind)] + change.rule->name + " " + change.canvas;
}

class Rig {
 public:
  explicit Rig(std::shared_ptr<const RuleSet> rules, unsigned processors = 4)
      : finder(std::move(rules), processors) {}
  explicit Rig(const std::string& text, unsigned processors = 4) : Rig(RulesOf(text), processors) {}

  void Pass(Seconds time) { now += time; }
  void Count(const std::string& canvas, const std::vector<std::pair<Counter, uint64_t>>& values) {
    finder.Count(canvas, CountsOf(values), now);
  }
  // What is told now.
  std::vector<std::string> Look() {
    changes = finder.Look(now);
    std::vector<std::string> lines;
    for (const Change& change : changes) lines.push_back(LineOf(change));
    return lines;
  }

  HitFinder finder;
  Time now{std::chrono::sys_days(std::chrono::year(2026) / 11 / 28)};
  std::vector<Change> changes;  // of the last Look
};

}  // namespace nightjar::rules
