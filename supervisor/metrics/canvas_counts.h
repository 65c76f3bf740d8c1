// What was counted for each canvas since the supervisor's start. Loop thread only.
#pragma once

#include <map>
#include <string>

#include "supervisor/metrics/histogram.h"

namespace nightjar {

struct CanvasCounts {
  uint64_t requests = 0;  // admitted runs that ended
  uint64_t refused = 0;
  uint64_t killed = 0;  // every verdict that leaves an incident, but refused
  uint64_t cpu_us = 0;
  Histogram latency;  // from the request's last byte to its answer, in us
};

class Metrics {
 public:
  CanvasCounts& Of(const std::string& canvas) { return canvases_[canvas]; }

 private:
  std::map<std::string, CanvasCounts> canvases_;
};

}  // namespace nightjar
