// System calls by name and by number, on the architecture that this is built for. libseccomp knows
// them. Any thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace nightjar {

// nullopt: no such call on any architecture. Negative for one that only others have.
std::optional<int> SyscallNumber(const std::string& name);

// Empty for a number that is no call here, or is newer than libseccomp.
std::string SyscallName(int number);

// Every name that this architecture has, for "did you mean".
std::vector<std::string> SyscallNames();

}  // namespace nightjar
