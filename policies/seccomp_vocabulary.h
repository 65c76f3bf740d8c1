// The words that a seccomp profile may use for numbers: constants of calls' arguments, and errnos.
// Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace nightjar::policy {

// "PROT_EXEC", "F_GETFD", "AF_UNIX", "CLONE_NEWNS"
std::optional<uint64_t> ConstantNamed(std::string_view name);
std::span<const std::string_view> ConstantNames();

// "ENOSYS"
std::optional<int> ErrnoNamed(std::string_view name);
std::vector<std::string_view> ErrnoNames();

}  // namespace nightjar::policy
