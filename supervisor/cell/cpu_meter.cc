#include "supervisor/cell/cpu_meter.h"

#include <fcntl.h>

#include "supervisor/cell/cell_counters.h"

namespace nightjar {
namespace {

constexpr int kFlags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW;

}  // namespace

Result<CpuMeter> CpuMeter::Open(const GroupDirs& dirs) {
  CpuMeter meter;
  if (dirs.unified.valid()) {
    meter.cpu_stat_ = Fd(openat(dirs.unified.get(), "cpu.stat", kFlags));
    if (!meter.cpu_stat_.valid()) return FailErrno("opening cpu.stat of a group");
  } else if (dirs.cpuacct_v1.valid()) {
    meter.cpuacct_usage_ = Fd(openat(dirs.cpuacct_v1.get(), "cpuacct.usage", kFlags));
    if (!meter.cpuacct_usage_.valid()) return FailErrno("opening cpuacct.usage of a group");
  }
  return meter;
}

Result<uint64_t> CpuMeter::ReadMicros() const {
  if (cpu_stat_.valid()) return ReadCounter(cpu_stat_, "usage_usec");
  NJ_ASSIGN(uint64_t nanoseconds, ReadCounter(cpuacct_usage_, ""));
  return nanoseconds / 1000;
}

}  // namespace nightjar
