#include "ipc/core/syscall_name.h"

#include <seccomp.h>

#include <cstdlib>
#include <memory>

namespace nightjar {
namespace {

constexpr int kNumbers = 1024;  // all architectures share new numbers, which are below 500 today

}  // namespace

std::optional<int> SyscallNumber(const std::string& name) {
  int number = seccomp_syscall_resolve_name(name.c_str());
  if (number == __NR_SCMP_ERROR) return std::nullopt;
  return number;
}

std::string SyscallName(int number) {
  std::unique_ptr<char, decltype(&free)> name(
      seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number), free);
  return name ? name.get() : "";
}

std::vector<std::string> SyscallNames() {
  std::vector<std::string> names;
  for (int number = 0; number < kNumbers; ++number)
    if (std::string name = SyscallName(number); !name.empty()) names.push_back(std::move(name));
  return names;
}

}  // namespace nightjar
