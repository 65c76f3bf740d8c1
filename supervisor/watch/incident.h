// The record of a run that was killed or refused, as far as the supervisor knows it. Pure.
//
// The storage writer adds what only it can read: the last events and the open call stack from the
// ring, the code's hash; and it masks the canvas's secrets in what a program says of itself.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ipc/core/ids.h"
#include "ipc/proto/control.pb.h"
#include "ipc/proto/worker.pb.h"
#include "policies/limits.h"
#include "supervisor/watch/process_look.h"
#include "supervisor/watch/reaper.h"
#include "supervisor/watch/usage_history.h"
#include "supervisor/watch/verdict.h"
#include "supervisor/watch/watchdog.h"

namespace nightjar {

// What was seen of a run while it went on and at its end.
struct RunSeen {
  std::vector<UsageHistory::Sample> usage;
  CellEvents events;  // at its end
  std::optional<Watchdog::FirstLook> first_look;
  std::optional<ProcessLook> processes;  // of programs only
};

struct IncidentFacts {
  RunId run;
  std::string canvas;
  std::string handler;
  RevisionNumber revision = 0;
  std::string request_line;
  std::string caller;
  int64_t at_unix_us = 0;
  VerdictAndDetail verdict;
  proto::Usage usage;
  const policy::Limits* limits = nullptr;  // borrowed
  const Death* death = nullptr;            // borrowed; null: there was no process
  const RunSeen* seen = nullptr;           // borrowed; null: likewise
  bool by_guard = false;
  Nanos overshoot{0};
  std::optional<proto::Refusal> refusal;
};

proto::Incident MakeIncident(const IncidentFacts& facts);

// The cell's counters as the wire says them; wall time, output and trace are the caller's.
proto::Usage UsageOf(const CellUsage& usage);
// A limit that the worker keeps itself was struck, or came near enough that it stopped softly.
// `usage` is what was seen of the run from outside. nullopt for a claim that means nothing.
std::optional<KillCause> CauseOfSelfLimit(const proto::LimitHit& hit, const policy::Limits& limits,
                                          policy::RunUsage usage);

}  // namespace nightjar
