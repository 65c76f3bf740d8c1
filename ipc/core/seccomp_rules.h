// A seccomp profile as plain rules: what policies/ reads from a file and worker/sandbox compiles to
// a filter.
//
// A call that no rule is for is denied. Values only.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace nightjar {

// Holds where (argument & mask) == value.
struct SeccompCondition {
  uint32_t argument = 0;  // from 0, at most 5
  uint64_t mask = ~uint64_t{0};
  uint64_t value = 0;

  bool operator==(const SeccompCondition&) const = default;
};

struct SeccompRule {
  std::string call;  // its name
  int error = 0;     // 0: the call is allowed; else it is not made, and fails with this errno
  // All must hold. Several rules for one call are alternatives. At most one for each argument:
  // libseccomp takes no more.
  std::vector<SeccompCondition> conditions;

  bool operator==(const SeccompRule&) const = default;
};

using SeccompRules = std::vector<SeccompRule>;

}  // namespace nightjar
