// The processor time that a group's processes have used, those that are gone included: one pread on
// a file that stays open.
//
// From the unified tree's cpu.stat, which every kernel since 4.15 has without a controller, or on
// hosts with v1 alone from cpuacct. For a process that is running right now it lags by up to a
// timer tick. Loop thread only.
#pragma once

#include <cstdint>

#include "ipc/core/fd.h"
#include "ipc/core/result.h"
#include "supervisor/cell/group.h"

namespace nightjar {

class CpuMeter {
 public:
  static Result<CpuMeter> Open(const GroupDirs& dirs);

  // False: nothing counts it on this host, and it reads 0.
  bool counts() const { return cpu_stat_.valid() || cpuacct_usage_.valid(); }
  Result<uint64_t> ReadMicros() const;

 private:
  Fd cpu_stat_;       // the unified tree's
  Fd cpuacct_usage_;  // v1 alone: nanoseconds
};

}  // namespace nightjar
