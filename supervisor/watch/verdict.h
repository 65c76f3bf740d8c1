// From evidence to verdict: what became of a run. Pure.
//
// The first true cause wins. What we decided (a limit struck, an operator, our own stop) was first
// by the order in which the loop saw it; without such a decision the kernel's evidence speaks: the
// cell's counters before the exit signal, because a process that is killed for memory looks the
// same as one that is killed by anyone else.
#pragma once

#include <optional>
#include <string>

#include "ipc/proto/verdict.pb.h"
#include "policies/kill_rules.h"
#include "supervisor/cell/cell.h"
#include "supervisor/proc/zygote_client.h"

namespace nightjar {

// Why we ended it, when we did.
struct KillCause {
  proto::Verdict verdict = proto::VERDICT_UNSPECIFIED;
  std::string sentence;   // "used 2.004 s of wall time; limit wall = 2s (policy.toml:4, default)"
  std::string limit;      // "wall": the limit's name, empty where no limit is behind it
  Nanos overshoot{0};     // from the instant the limit was reached, where that instant is known
  bool by_guard = false;  // the guard's thread killed, as the loop was late
};

struct Evidence {
  std::optional<KillCause> cause;
  bool answered = false;       // a whole answer had come before anything else
  bool program_error = false;  // and it was an error value or incomplete
  std::string program_message;
  WaitStatus exit;       // of the worker, or of the program that it ran and outlived
  bool program = false;  // what ran was a program of its own: an exec handler's
  CellUsage usage;
  const policy::Limits* limits = nullptr;  // in force; borrowed
};

struct VerdictAndDetail {
  proto::Verdict verdict;
  std::string detail;
  std::string limit;  // the limit that was struck, by name; empty where none
};

// A broken rule as the cause of a kill.
KillCause CauseOf(const policy::BrokenLimit& broken);

VerdictAndDetail VerdictOf(const Evidence& evidence);

// "wall_time": how a verdict is called in headers, logs and on the command line.
std::string VerdictName(proto::Verdict verdict);
// True for the verdicts that leave an incident.
bool LeavesIncident(proto::Verdict verdict);
// The HTTP status that the caller of a run without an answer sees.
unsigned HttpStatusOf(proto::Verdict verdict);

}  // namespace nightjar
