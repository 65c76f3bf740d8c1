// The supervisor's counts in Prometheus's text format, version 0.0.4. Pure; the loop's thread, as
// what it reads is the loop's.
//
// Few canvases have figures of their own (canvas_series.h): there may be a hundred thousand of
// them, and a monitoring system pays for each name that it has ever seen.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "supervisor/metrics/canvas_series.h"
#include "supervisor/metrics/metrics.h"

namespace nightjar {

// Of the store that traces go to and that is not on this machine; counts are its writer's.
struct StoreLevels {
  bool available = false;
  uint64_t spooled_bytes = 0;
  uint64_t spooled_objects = 0;
  uint64_t dropped = 0;
  uint64_t uploaded_objects = 0;
  uint64_t uploaded_bytes = 0;
  uint64_t packs = 0;
  std::map<std::string, uint64_t> failed;  // uploads, by how
};

// Of the index that machines share; counts are the writer's.
struct SharedIndexLevels {
  bool available = false;
  uint64_t rows_behind = 0;
  Nanos oldest_behind{0};
  uint64_t told = 0;
  uint64_t left_untold = 0;
  uint64_t refused = 0;
  std::map<std::string, uint64_t> failed;  // by how
};

// What is so at the moment, and counts that others keep.
struct HostLevels {
  size_t canvases = 0;
  size_t runs_queued = 0;
  size_t runs_running = 0;
  size_t workers = 0;      // processes, armed ones too
  size_t quarantined = 0;  // cells with a process that does not die
  bool writer_connected = false;
  uint64_t traces_lost = 0;
  uint64_t traces_kept = 0;
  std::map<std::string, uint64_t> traces_not_kept = {};  // by what policy says
  uint64_t trace_events_not_kept = 0;
  std::optional<uint64_t> trace_budgets_used_up = {};  // canvases; not set: nobody knows yet
  uint64_t missed_dropped = 0;
  size_t controls = 0;                             // in force
  std::map<std::string, uint64_t> rule_hits = {};  // since the start, by rule
  size_t rule_hits_open = 0;
  size_t audit_unwritten = 0;  // entries that wait for the disk
  uint64_t audit_lost = 0;
  bool audit_broken = false;
  std::string policy_version = {};
  uint64_t policy_loads = 0;
  uint64_t policies_rejected = 0;
  int64_t policy_loaded_unix_s = 0;
  std::optional<StoreLevels> store = {};
  std::optional<SharedIndexLevels> shared_index = {};
  uint64_t usage_lost = 0;
  const CanvasSeries* canvas_series = nullptr;  // null: none has any
};

inline constexpr const char* kPrometheusType = "text/plain; version=0.0.4; charset=utf-8";
std::string PrometheusText(const HostCounts& counts, const HostLevels& levels);

}  // namespace nightjar
