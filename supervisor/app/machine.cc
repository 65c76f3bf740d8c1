#include "supervisor/app/machine.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "ipc/core/fd.h"

namespace nightjar {

policy::Machine ThisMachine() {
  policy::Machine machine;
  auto positive = [](long value) { return static_cast<uint64_t>(std::max(value, 0L)); };
  machine.memory_bytes = positive(sysconf(_SC_PHYS_PAGES)) * positive(sysconf(_SC_PAGESIZE));
  machine.processors = positive(sysconf(_SC_NPROCESSORS_ONLN));
  if (auto text = ReadFileAt(AT_FDCWD, "/proc/sys/kernel/pid_max"))
    std::from_chars(text->data(), text->data() + text->size(), machine.pids);
  return machine;
}

}  // namespace nightjar
