#include "supervisor/cell/control_settings.h"

#include <algorithm>
#include <cmath>

#include "policies/limits.h"
#include "supervisor/cell/disks.h"

namespace nightjar {
namespace {

constexpr uint64_t kPeriodUs = policy::kCpuPeriod.count();
constexpr uint64_t kQuotaUsMin = 1'000;  // below it the kernel answers EINVAL

std::vector<ControlSetting> MemoryV1(SwapAccounting swap, uint64_t before, uint64_t bytes) {
  std::string text = bytes == 0 ? "-1" : std::to_string(bytes);
  std::vector<ControlSetting> settings{{"memory.limit_in_bytes", text}};
  if (swap == SwapAccounting::kAbsent) return settings;
  bool raises = before != 0 && (bytes == 0 || bytes > before);
  settings.insert(raises ? settings.begin() : settings.end(),
                  {"memory.memsw.limit_in_bytes", text});
  return settings;
}

std::vector<ControlSetting> MemoryV2(GroupLevel level, SwapAccounting swap, uint64_t bytes) {
  std::vector<ControlSetting> settings{{"memory.max", bytes == 0 ? "max" : std::to_string(bytes)}};
  // memory.high slows a canvas down before it fails, so that runs that end in time can make room. A
  // cell has none: nobody makes room in it, and its run would stand still instead of being killed
  // (docs/adr/0015-brake-of-a-canvas.md).
  if (level == GroupLevel::kCanvas)
    settings.push_back({"memory.high", bytes == 0 ? "max" : std::to_string(MemoryBrake(bytes))});
  if (swap == SwapAccounting::kPresent)
    settings.push_back({"memory.swap.max", bytes == 0 ? "max" : "0"});
  return settings;
}

uint64_t QuotaUs(double cpus) {
  return std::max<uint64_t>(kQuotaUsMin, std::llround(cpus * kPeriodUs));
}

}  // namespace

uint64_t MemoryBrake(uint64_t limit_bytes) {
  return limit_bytes / 10 * 9;
}

std::vector<ControlSetting> MemorySettings(ControllerHome home, GroupLevel level,
                                           SwapAccounting swap, uint64_t before, uint64_t bytes) {
  switch (home) {
    case ControllerHome::kNone:
      return {};
    case ControllerHome::kV1:
      return MemoryV1(swap, before, bytes);
    case ControllerHome::kUnified:
      return MemoryV2(level, swap, bytes);
  }
  return {};
}

std::vector<ControlSetting> PidsSettings(uint64_t pids) {
  return {{"pids.max", pids == 0 ? "max" : std::to_string(pids)}};
}

ControlSetting CpuQuota(ControllerHome home, double cpus) {
  const uint64_t quota = QuotaUs(cpus);
  if (home == ControllerHome::kV1)
    return {"cpu.cfs_quota_us", cpus <= 0 ? "-1" : std::to_string(quota)};
  return {"cpu.max", (cpus <= 0 ? "max" : std::to_string(quota)) + " " + std::to_string(kPeriodUs)};
}

ControlSetting CpuBurst(ControllerHome home, uint64_t burst_us) {
  return {home == ControllerHome::kV1 ? "cpu.cfs_burst_us" : "cpu.max.burst",
          std::to_string(burst_us)};
}

uint64_t CpuBurstWithin(double cpus, uint64_t burst_us) {
  return cpus <= 0 ? 0 : std::min(burst_us, QuotaUs(cpus));
}

std::vector<ControlSetting> CpuSettings(ControllerHome home, double cpus, uint64_t weight,
                                        uint64_t burst_us) {
  if (home == ControllerHome::kNone) return {};
  weight = std::clamp<uint64_t>(weight, 1, 10'000);
  ControlSetting share{"cpu.weight", std::to_string(weight)};
  // The default share is 1024, the default weight 100; the kernel takes 2 and more.
  if (home == ControllerHome::kV1)
    share = {"cpu.shares", std::to_string(std::max<uint64_t>(2, weight * 1024 / 100))};
  std::vector<ControlSetting> settings{std::move(share), CpuQuota(home, cpus)};
  // Nothing is said of a burst to kernels that may not know it (before 5.14).
  if (burst_us > 0) settings.push_back(CpuBurst(home, burst_us));
  return settings;
}

ControlSetting DiskRead(ControllerHome home, const Disk& disk, uint64_t bytes) {
  std::string name = NameOf(disk);
  if (home == ControllerHome::kV1)
    return {"blkio.throttle.read_bps_device", name + " " + std::to_string(bytes)};
  return {"io.max", name + " rbps=" + (bytes == 0 ? "max" : std::to_string(bytes))};
}

}  // namespace nightjar
