#include "supervisor/cell/pressure.h"

#include <charconv>

#include "ipc/core/fd.h"
#include "supervisor/cell/cell_counters.h"

namespace nightjar {
namespace {

constexpr std::string_view kSome = "some ";
constexpr std::string_view kTotal = "total=";

// Absent where the kernel was built or started without it.
std::optional<uint64_t> Stalled(const GroupDirs& cell, const char* name) {
  if (!cell.unified.valid()) return std::nullopt;
  auto text = ReadFileAt(cell.unified.get(), name);
  return text ? StalledIn(*text) : std::nullopt;
}

}  // namespace

std::optional<uint64_t> StalledIn(std::string_view text) {
  if (!text.starts_with(kSome)) return std::nullopt;
  std::string_view line = text.substr(0, text.find('\n'));
  size_t at = line.find(kTotal);
  if (at == std::string_view::npos) return std::nullopt;
  line.remove_prefix(at + kTotal.size());
  uint64_t total = 0;
  auto [end, failed] = std::from_chars(line.data(), line.data() + line.size(), total);
  if (failed != std::errc()) return std::nullopt;
  return total;
}

void ReadHoldUps(const GroupDirs& cell, const GroupDirs& canvas, CellEvents* events) {
  events->cpu_stalled_us = Stalled(cell, "cpu.pressure");
  events->memory_stalled_us = Stalled(cell, "memory.pressure");
  events->io_stalled_us = Stalled(cell, "io.pressure");
  if (canvas.cpu() < 0) return;
  auto quota = ReadFileAt(canvas.cpu(), "cpu.stat");
  // Without the controller the unified tree's file has the time used and nothing of a quota.
  if (!quota || quota->find("nr_throttled ") == std::string::npos) return;
  events->canvas_throttled = CounterIn(*quota, "nr_throttled");
  events->canvas_throttled_us = canvas.cpu_v1.valid() ? CounterIn(*quota, "throttled_time") / 1000
                                                      : CounterIn(*quota, "throttled_usec");
}

}  // namespace nightjar
