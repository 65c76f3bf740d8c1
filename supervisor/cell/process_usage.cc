#include "supervisor/cell/process_usage.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <filesystem>
#include <sstream>
#include <string>

#include "ipc/core/bounds.h"
#include "ipc/core/fd.h"
#include "ipc/core/proc_stat.h"

namespace nightjar {
namespace {

namespace fs = std::filesystem;

// All threads of a process, to the nanosecond; a tick of /proc/PID/stat is ten milliseconds.
uint64_t CpuOf(int pid) {
  clockid_t clock;
  timespec used;
  if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &used) != 0) return 0;
  return static_cast<uint64_t>(used.tv_sec) * 1'000'000 +
         static_cast<uint64_t>(used.tv_nsec) / 1000;
}

// Adds what /proc/PID/stat has beyond that. False: the process is gone.
bool AddStat(int pid, ProcessUsage& usage) {
  auto text = ReadFileAt(AT_FDCWD, ("/proc/" + std::to_string(pid) + "/stat").c_str());
  if (!text) return false;
  auto stat = ParseProcStat(*text);
  if (!stat) return false;
  usage.cpu_us += stat->waited_ticks * (1'000'000 / static_cast<uint64_t>(sysconf(_SC_CLK_TCK)));
  usage.memory_bytes += stat->resident_pages * static_cast<uint64_t>(getpagesize());
  ++usage.processes;
  return true;
}

void AddChildren(int pid, std::vector<int>& found) {
  std::error_code gone;
  for (const auto& thread :
       fs::directory_iterator("/proc/" + std::to_string(pid) + "/task", gone)) {
    auto text = ReadFileAt(AT_FDCWD, (thread.path() / "children").c_str());
    if (!text) continue;
    std::istringstream children(*text);
    for (int child; children >> child;) found.push_back(child);
  }
}

}  // namespace

ProcessUsage UsageOfTree(int pid) {
  ProcessUsage usage;
  std::vector<int> found;
  if (pid > 0) found.push_back(pid);
  for (size_t at = 0; at < found.size() && at < bounds::kProcessesCounted; ++at) {
    if (!AddStat(found[at], usage)) continue;
    usage.cpu_us += CpuOf(found[at]);
    AddChildren(found[at], found);
  }
  return usage;
}

std::vector<int> ProcessesOfTree(int pid) {
  std::vector<int> found;
  if (pid > 0) found.push_back(pid);
  for (size_t at = 0; at < found.size() && at < bounds::kProcessesCounted; ++at)
    AddChildren(found[at], found);
  return found;
}

}  // namespace nightjar
