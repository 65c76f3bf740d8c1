#include "rules/rule.h"

#include <algorithm>

namespace nightjar::rules {

const Rule* RuleSet::Find(std::string_view name) const {
  auto found =
      std::find_if(rules.begin(), rules.end(), [&](const Rule& rule) { return rule.name == name; });
  return found == rules.end() ? nullptr : &*found;
}

Seconds RuleSet::longest_window() const {
  Seconds longest{0};
  for (const Rule& rule : rules) longest = std::max(longest, rule.window);
  return longest;
}

}  // namespace nightjar::rules
