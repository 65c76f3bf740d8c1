// What was measured: distributions under flat names, as a table for people and as JSON.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "ipc/core/clock.h"
#include "ipc/core/result.h"

namespace nightjar::bench {

using Times = std::vector<Nanos>;

class Figures {
 public:
  Figures();
  // NAME_p50_us, _p99_us, _p999_us, _max_us; one line of the table, printed at once. A quantile is
  // the smallest value that so large a share does not exceed: with few values p99 is the maximum.
  void Add(const std::string& name, Times times);
  void Add(const std::string& name, uint64_t count);
  void Add(const std::string& name, const std::string& text);
  Status WriteJson(const std::string& path) const;

 private:
  std::vector<std::pair<std::string, std::string>> values_;  // the second as JSON
};

}  // namespace nightjar::bench
