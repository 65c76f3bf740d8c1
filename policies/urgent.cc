#include "policies/urgent.h"

#include <algorithm>
#include <array>

#include "ipc/core/check.h"
#include "policies/limit_table.h"
#include "policies/tightness.h"

namespace nightjar::policy {
namespace {

constexpr std::array<std::string_view, 4> kUrgentNames = {"wall", "cpu", "output", "suspended"};

}  // namespace

std::span<const std::string_view> UrgentNames() {
  return kUrgentNames;
}

std::vector<std::string> Tighten(Limits* running, const Limits& now) {
  std::vector<std::string> tightened;
  for (const std::string& name : now.urgent.value) {
    const LimitKey* key = FindLimitKey(name);
    CHECK(key != nullptr);
    LimitValue value = key->ValueIn(now);
    if (DirectionOf(*key, key->ValueIn(*running), value) != Direction::kTighter) continue;
    key->Set(*running, value, key->TextIn(now).origin);
    tightened.push_back(name);
  }
  // A control of an operator is no other policy.
  if (!tightened.empty() && running->policy != now.policy)
    running->policy = running->policy.substr(0, running->policy.find('+')) + "+" + now.policy;
  return tightened;
}

}  // namespace nightjar::policy
