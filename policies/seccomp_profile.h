// Reads a seccomp profile from its TOML text and says everything that is wrong with it. Pure.
//
//     [allow]
//     recvmsg = "its control socket"                       # a call, and the reason for it
//     [allow.mmap]
//     reason = "memory that never holds code"
//     without = { arg = 2, flags = ["PROT_EXEC"] }         # allowed with none of these flags
//     [allow.tgkill]
//     reason = "to itself"
//     only = { arg = 0, values = [1] }                     # allowed with one of these values
//     [errno]
//     clone3 = { error = "ENOSYS", reason = "the C library then tries clone" }
//
// What is not in it is denied. Arguments count from 0. Every entry has a reason; some grants are
// refused with the best of reasons (seccomp_refusals.h). The build reads the profiles in
// policies/seccomp; whoever reads an operator's own calls the same function.
#pragma once

#include <string_view>
#include <vector>

#include "ipc/core/seccomp_rules.h"
#include "policies/policy.h"

namespace nightjar::policy {

// In the order of the file. With errors there are no rules. A call that only other architectures
// have is right, and has no rule.
SeccompRules ReadSeccompProfile(std::string_view text, std::vector<PolicyError>* errors);

}  // namespace nightjar::policy
