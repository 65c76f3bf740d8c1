#include "supervisor/cell/cell_counters.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

namespace nightjar {
namespace {

constexpr size_t kTextBytes = 1024;  // the counters that are asked for stand in the first lines

// An absent file is an invalid Fd: kernels differ in pids.peak, memory.peak, memory.events.local.
Fd OpenIfThere(int dir, const char* name, int flags = O_RDONLY) {
  return Fd(openat(dir, name, flags | O_CLOEXEC | O_NOFOLLOW));
}

struct Text {
  char bytes[kTextBytes];
  size_t size = 0;
  std::string_view view() const { return {bytes, size}; }
};

// `fd` invalid: nothing is counted there.
Status ReadText(const Fd& fd, Text* text) {
  text->size = 0;
  if (!fd.valid()) return {};
  ssize_t got;
  do {
    got = pread(fd.get(), text->bytes, sizeof text->bytes, 0);
  } while (got < 0 && errno == EINTR);
  if (got < 0) return FailErrno("reading a counter of a cell");
  text->size = static_cast<size_t>(got);
  return {};
}

uint64_t Since(uint64_t from, uint64_t now) {
  return now - std::min(from, now);
}

}  // namespace

uint64_t CounterIn(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!key.empty()) {
      if (!line.starts_with(key) || line.size() <= key.size() || line[key.size()] != ' ') continue;
      line.remove_prefix(key.size() + 1);
    }
    uint64_t value = 0;
    std::from_chars(line.data(), line.data() + line.size(), value);
    return value;
  }
  return 0;
}

Result<uint64_t> ReadCounter(const Fd& fd, std::string_view key) {
  Text text;
  NJ_TRY(ReadText(fd, &text));
  return CounterIn(text.view(), key);
}

bool MeetsV1Limit(uint64_t peak_bytes, uint64_t limit_bytes) {
  constexpr uint64_t kBatchBytes = 64 * 4096;
  return peak_bytes + kBatchBytes >= limit_bytes;
}

uint64_t CellCounters::Peak::Of(uint64_t current, uint64_t kernel_peak) const {
  seen = std::max(seen, current);
  return kernel_peak > inherited ? std::max(kernel_peak, seen) : seen;
}

Result<CellCounters> CellCounters::Open(const TreeFrame& frame, const GroupDirs& dirs) {
  CellCounters counters;
  NJ_ASSIGN(counters.cpu_, CpuMeter::Open(dirs));
  int memory = dirs.memory();
  switch (frame.hierarchies.memory.home) {
    case ControllerHome::kNone:
      break;
    case ControllerHome::kV1:
      counters.memory_v1_ = true;
      counters.memory_current_ = OpenIfThere(memory, "memory.usage_in_bytes");
      counters.memory_peak_ = OpenIfThere(memory, "memory.max_usage_in_bytes", O_RDWR);
      counters.memory_events_ = OpenIfThere(memory, "memory.oom_control");
      counters.memory_limit_ = OpenIfThere(memory, "memory.limit_in_bytes");
      break;
    case ControllerHome::kUnified:
      counters.memory_current_ = OpenIfThere(memory, "memory.current");
      counters.memory_peak_ = OpenIfThere(memory, "memory.peak", O_RDWR);
      // Kernels that cannot reset it have it read-only (until 6.11).
      if (!counters.memory_peak_.valid())
        counters.memory_peak_ = OpenIfThere(memory, "memory.peak");
      counters.memory_events_ = OpenIfThere(memory, "memory.events.local");
      if (!counters.memory_events_.valid())
        counters.memory_events_ = OpenIfThere(memory, "memory.events");
      break;
  }
  if (frame.hierarchies.pids.home != ControllerHome::kNone) {
    counters.pids_current_ = OpenIfThere(dirs.pids(), "pids.current");
    counters.pids_peak_ = OpenIfThere(dirs.pids(), "pids.peak");
    counters.pids_events_ = OpenIfThere(dirs.pids(), "pids.events");
  }
  return counters;
}

Result<CellCounters::Totals> CellCounters::ReadTotals() const {
  Totals totals;
  NJ_ASSIGN(totals.cpu_us, cpu_.ReadMicros());
  Text memory;
  NJ_TRY(ReadText(memory_events_, &memory));
  totals.oom_kills = CounterIn(memory.view(), "oom_kill");
  NJ_ASSIGN(totals.pids_denied, ReadCounter(pids_events_, "max"));
  if (!memory_v1_) {
    totals.oom_events = CounterIn(memory.view(), "oom");
    totals.memory_high = CounterIn(memory.view(), "high");
    totals.memory_max = CounterIn(memory.view(), "max");
  }
  return totals;
}

Result<bool> CellCounters::MetOwnLimit(const Totals& now, uint64_t memory_peak) const {
  if (!memory_v1_) return now.oom_events > baseline_.oom_events;
  NJ_ASSIGN(uint64_t limit, ReadCounter(memory_limit_, ""));
  return MeetsV1Limit(memory_peak, limit);
}

Status CellCounters::Restart() {
  // Any text resets it: in v1 by a write of 0, since 6.12 in v2 for readers of the same descriptor.
  // Elsewhere it stays, as `inherited`.
  if (memory_peak_.valid()) (void)!pwrite(memory_peak_.get(), "0", 1, 0);
  NJ_ASSIGN(Totals totals, ReadTotals());
  baseline_ = totals;
  memory_at_most_ = {};
  pids_at_most_ = {};
  NJ_ASSIGN(memory_at_most_.inherited, ReadCounter(memory_peak_, ""));
  NJ_ASSIGN(pids_at_most_.inherited, ReadCounter(pids_peak_, ""));
  return {};
}

CellEvents CellCounters::ReadEvents() const {
  CellEvents events;
  auto now = ReadTotals();
  if (!now) return events;
  if (memory_events_.valid()) events.memory_oom_kill = Since(baseline_.oom_kills, now->oom_kills);
  // v1's own count of these, memory.failcnt, stays 0 on new kernels.
  if (memory_events_.valid() && !memory_v1_) {
    events.memory_high = Since(baseline_.memory_high, now->memory_high);
    events.memory_max = Since(baseline_.memory_max, now->memory_max);
    events.memory_oom = Since(baseline_.oom_events, now->oom_events);
  }
  if (pids_events_.valid()) events.pids_denied = Since(baseline_.pids_denied, now->pids_denied);
  return events;
}

Result<CellUsage> CellCounters::Read() const {
  NJ_ASSIGN(Totals now, ReadTotals());
  CellUsage usage;
  usage.cpu_us = now.cpu_us - std::min(now.cpu_us, baseline_.cpu_us);
  usage.pids_denied = now.pids_denied - std::min(now.pids_denied, baseline_.pids_denied);
  NJ_ASSIGN(usage.memory_bytes, ReadCounter(memory_current_, ""));
  NJ_ASSIGN(uint64_t memory_peak, ReadCounter(memory_peak_, ""));
  usage.memory_peak_bytes = memory_at_most_.Of(usage.memory_bytes, memory_peak);
  if (now.oom_kills > baseline_.oom_kills) {
    NJ_ASSIGN(bool own, MetOwnLimit(now, usage.memory_peak_bytes));
    (own ? usage.oom_kills : usage.oom_kills_host) = now.oom_kills - baseline_.oom_kills;
  }
  NJ_ASSIGN(usage.pids, ReadCounter(pids_current_, ""));
  NJ_ASSIGN(uint64_t pids_peak, ReadCounter(pids_peak_, ""));
  usage.pids_peak = pids_at_most_.Of(usage.pids, pids_peak);
  return usage;
}

}  // namespace nightjar
