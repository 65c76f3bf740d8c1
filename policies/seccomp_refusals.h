// What no profile may grant, whatever its reason, and what a grant opens. Pure.
//
// The other walls around a worker hold without the filter (docs/THREAT_MODEL.md). These are the
// calls that would turn a mistake in one of them, or in the kernel, into a way out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nightjar::policy {

// A call that a profile allows.
struct SeccompGrant {
  struct Without {
    uint32_t argument = 0;
    uint64_t flags = 0;  // none of these is set
  };
  struct Only {
    uint32_t argument = 0;
    std::vector<uint64_t> values;  // it is one of these
  };

  std::string call;
  std::optional<Without> without;
  std::optional<Only> only;
};

// A half sentence; empty where it may be granted.
std::string WhyRefused(const SeccompGrant& grant);

// What a call lets a program do, for the calls that need a good reason; empty for the others.
std::string_view WhatItOpens(std::string_view call);

}  // namespace nightjar::policy
