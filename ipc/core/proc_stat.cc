#include "ipc/core/proc_stat.h"

#include <sstream>

namespace nightjar {

std::optional<ProcStat> ParseProcStat(std::string_view text) {
  // "41 (a name) S 1 ...": the name may have any character in it, and only numbers follow.
  size_t open = text.find('('), close = text.rfind(')');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open)
    return std::nullopt;
  ProcStat stat;
  stat.name = text.substr(open + 1, close - open - 1);
  std::istringstream fields{std::string(text.substr(close + 1))};
  auto skip = [&](int from, int to) {
    std::string skipped;
    for (int field = from; field <= to; ++field) fields >> skipped;
  };
  uint64_t waited_user = 0, waited_system = 0;
  fields >> stat.state >> stat.parent;
  skip(5, 15);  // pgrp to stime
  fields >> waited_user >> waited_system;
  skip(18, 19);  // priority, nice
  fields >> stat.threads;
  skip(21, 23);  // itrealvalue to vsize
  fields >> stat.resident_pages;
  if (!fields) return std::nullopt;
  stat.waited_ticks = waited_user + waited_system;
  return stat;
}

}  // namespace nightjar
