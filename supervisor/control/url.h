// The parts of a control request's target. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nightjar {

struct ControlUrl {
  std::vector<std::string> path;  // percent-decoded segments, without empty ones at the ends
  std::map<std::string, std::string> query;  // percent-decoded; of a repeated key the last counts
};

// nullopt for a target with broken percent-encoding, with bytes that are not UTF-8 once decoded, or
// without a leading '/'.
std::optional<ControlUrl> ParseControlUrl(std::string_view target);

}  // namespace nightjar
