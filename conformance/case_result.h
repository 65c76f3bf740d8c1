// What became of one case. Plain values.
#pragma once

#include <string>

namespace nightjar::conformance {

struct CaseResult {
  enum class Outcome { kPassed, kFailed, kSkipped };
  Outcome outcome = Outcome::kPassed;
  std::string needs;     // kSkipped: what it needs that the runner does not have
  std::string expected;  // kFailed
  std::string got;       // kFailed

  static CaseResult Skipped(std::string needs) {
    return {Outcome::kSkipped, std::move(needs), {}, {}};
  }
  static CaseResult Failed(std::string expected, std::string got) {
    return {Outcome::kFailed, {}, std::move(expected), std::move(got)};
  }
};

}  // namespace nightjar::conformance
