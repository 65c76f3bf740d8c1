// The system calls that limit `denied_calls` may take from programs. Pure.
//
// They are taken from what policies/seccomp/program.toml allows or answers with an error: whoever
// makes one is ended, as with every call that is not in that file. So a policy can only make a
// profile tighter. What a worker itself needs to start a program and to tell how it ended cannot be
// taken: no run would ever begin.
#pragma once

#include <string>
#include <string_view>

namespace nightjar::policy {

// A sentence; empty where it may be named.
std::string WhyNotDenied(const std::string& call);

}  // namespace nightjar::policy
