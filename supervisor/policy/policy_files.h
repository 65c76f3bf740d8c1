// Reads a policy, or abuse rules, from the disk: one file, or a directory whose *.toml files are
// read as one.
//
// The supervisor and the command line use it; what the text means is policies/ and rules/. It
// blocks as long as the disk does.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ipc/core/result.h"
#include "policies/policy.h"

namespace nightjar {

struct PolicyText {
  std::vector<policy::PolicyFile> files;  // in the order of their names
  // The file that was touched last, or the directory, and how long ago that was. Nothing for times
  // that lie ahead.
  std::string youngest;
  std::optional<std::chrono::milliseconds> age;
};

// What is being written is not waited for (kAtOnce), or is kUnavailable (kSettled): ask again.
enum class PolicyState { kAtOnce, kSettled };

// kUnavailable: something changed while it was read, too. Of a directory, names that begin with a
// dot are left out; one without any *.toml is an error, not an empty policy.
Result<PolicyText> ReadPolicyText(const std::string& path,
                                  PolicyState wanted = PolicyState::kAtOnce);

// Whether its youngest file is old enough to be taken as complete; else kUnavailable, which names
// it.
Status CheckSettled(const PolicyText& text);

// The text as a policy; every error as "path:line:column: message", one a line.
Result<std::shared_ptr<const policy::Policy>> ParsePolicyText(const PolicyText& text);

// All of it; without a path the built-in policy.
Result<std::shared_ptr<const policy::Policy>> LoadPolicy(const std::string& path,
                                                         PolicyState wanted);

}  // namespace nightjar
