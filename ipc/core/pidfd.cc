#include "ipc/core/pidfd.h"

#include <fcntl.h>

#include <algorithm>
#include <cstdlib>
#include <string>

namespace nightjar {

int NumberOf(const Fd& pidfd) {
  auto info = ReadFileAt(AT_FDCWD, ("/proc/self/fdinfo/" + std::to_string(pidfd.get())).c_str());
  constexpr std::string_view kKey = "\nPid:";
  size_t at = info ? info->find(kKey) : std::string::npos;
  if (at == std::string::npos) return 0;
  return std::max(0, atoi(info->c_str() + at + kKey.size()));
}

}  // namespace nightjar
