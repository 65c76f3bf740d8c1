// What one run adds to what its canvas has used, and sums of that. Pure; any thread.
#pragma once

#include <cctype>
#include <string>

#include "ipc/proto/control.pb.h"

namespace nightjar {

inline void AddUsage(const proto::UsageCounters& more, proto::UsageCounters* sum) {
  sum->set_cpu_us(sum->cpu_us() + more.cpu_us());
  sum->set_memory_kib_ms(sum->memory_kib_ms() + more.memory_kib_ms());
  for (const auto& [verdict, count] : more.runs()) (*sum->mutable_runs())[verdict] += count;
  sum->set_refused(sum->refused() + more.refused());
  sum->set_unstarted(sum->unstarted() + more.unstarted());
  sum->set_request_bytes(sum->request_bytes() + more.request_bytes());
  sum->set_response_bytes(sum->response_bytes() + more.response_bytes());
  sum->set_trace_events(sum->trace_events() + more.trace_events());
  sum->set_trace_bytes(sum->trace_bytes() + more.trace_bytes());
  sum->set_stored_bytes(sum->stored_bytes() + more.stored_bytes());
}

// Of a run that had a worker. Without its processor time, which is counted otherwise, and what its
// request and its stored trace were.
inline proto::UsageCounters UsageOfRun(proto::Verdict verdict, const proto::Usage& usage) {
  constexpr size_t kPrefix = sizeof "VERDICT_" - 1;
  std::string name = proto::Verdict_Name(verdict).substr(kPrefix);
  for (char& c : name) c = static_cast<char>(tolower(static_cast<unsigned char>(c)));
  proto::UsageCounters used;
  used.set_memory_kib_ms((usage.memory_peak_bytes() / 1024) * usage.wall_us() / 1000);
  (*used.mutable_runs())[name] = 1;
  used.set_response_bytes(usage.output_bytes());
  used.set_trace_events(usage.trace_events());
  used.set_trace_bytes(usage.trace_bytes());
  return used;
}

// Of all verdicts together.
inline uint64_t RunsIn(const proto::UsageCounters& used) {
  uint64_t runs = 0;
  for (const auto& [verdict, count] : used.runs()) runs += count;
  return runs;
}

}  // namespace nightjar
