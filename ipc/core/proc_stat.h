// The line of /proc/PID/stat and /proc/PID/task/TID/stat, as proc(5) has it. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace nightjar {

struct ProcStat {
  std::string name;  // the process's own word: any bytes
  std::string state;
  int parent = 0;
  uint32_t threads = 0;
  uint64_t waited_ticks = 0;  // processor time of its children that ended and were waited for
  uint64_t resident_pages = 0;
};

// nullopt: it is no such line.
std::optional<ProcStat> ParseProcStat(std::string_view text);

}  // namespace nightjar
