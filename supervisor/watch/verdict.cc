#include "supervisor/watch/verdict.h"

#include <csignal>
#include <cstring>

#include "ipc/core/worker_exit.h"

namespace nightjar {
namespace {

constexpr std::string_view kPrefix = "VERDICT_";

// What the kernel counted in the cell is there before its victim can be reaped, so it is never
// late.
std::optional<VerdictAndDetail> OfCounters(const Evidence& evidence) {
  policy::RunUsage usage;
  usage.memory_peak_bytes = evidence.usage.memory_peak_bytes;
  usage.oom_kills = evidence.usage.oom_kills;
  usage.oom_kills_canvas = evidence.usage.oom_kills_canvas;
  usage.canvas_workers = evidence.usage.canvas_cells;
  usage.pids_denied = evidence.usage.pids_denied;
  if (auto broken = policy::Broken(*evidence.limits, usage)) {
    KillCause cause = CauseOf(*broken);
    return VerdictAndDetail{cause.verdict, cause.sentence, cause.limit};
  }
  if (evidence.usage.oom_kills_host > 0)
    return VerdictAndDetail{proto::VERDICT_MEMORY,
                            "the kernel killed it because the host, or the control group that "
                            "Nightjar runs in, was out of memory; no limit of this canvas was "
                            "reached",
                            ""};
  return std::nullopt;
}

bool KilledForMemory(const CellUsage& usage) {
  return usage.oom_kills + usage.oom_kills_canvas + usage.oom_kills_host > 0;
}

// The canvas's brake makes who needs more memory wait, and so would end as a question of time.
std::optional<VerdictAndDetail> HeldByBrake(const Evidence& evidence) {
  policy::RunUsage usage;
  usage.cpu = policy::Micros(evidence.usage.cpu_us);
  usage.memory_peak_bytes = evidence.usage.memory_peak_bytes;
  usage.canvas_workers = evidence.usage.canvas_cells;
  usage.canvas_braked = evidence.usage.canvas_braked;
  auto held = policy::HeldByBrake(*evidence.limits, usage);
  if (!held) return std::nullopt;
  KillCause cause = CauseOf(*held);
  return VerdictAndDetail{cause.verdict, cause.sentence, cause.limit};
}

VerdictAndDetail Crashed(const Evidence& evidence) {
  return {proto::VERDICT_CRASHED,
          std::string(evidence.program ? "the program" : "the worker") + " died of signal " +
              std::to_string(evidence.exit.signal) + " (" + strsignal(evidence.exit.signal) + ")",
          ""};
}

// A program can send itself the signal of the kernel's cpu limit; it cannot make the cell count.
bool OnlyClaimsTheCpuLimit(const Evidence& evidence) {
  return evidence.program && evidence.exit.signal == SIGXCPU &&
         policy::Micros(evidence.usage.cpu_us) < evidence.limits->cpu.value;
}

VerdictAndDetail OfDeath(const Evidence& evidence) {
  if (auto struck = OfCounters(evidence)) return *struck;
  if (OnlyClaimsTheCpuLimit(evidence)) return Crashed(evidence);
  switch (evidence.exit.signal) {
    case 0:
      if (evidence.exit.exit_code == worker_exit::kBackstop)
        return {proto::VERDICT_WALL_TIME,
                "its own backstop timer ended it: the supervisor was stuck", "wall"};
      return {proto::VERDICT_WORKER_EXITED,
              "the worker left without an answer, exit status " +
                  std::to_string(evidence.exit.exit_code),
              ""};
    case SIGSYS:
      return {
          proto::VERDICT_DENIED_SYSCALL,
          "the kernel killed it for a system call of another architecture, or for one that could "
          "not be named, which its profile does not allow",
          ""};
    case SIGXCPU:
      return {proto::VERDICT_CPU_TIME, "the kernel's own cpu limit ended it", "cpu"};
    default:
      return Crashed(evidence);
  }
}

}  // namespace

KillCause CauseOf(const policy::BrokenLimit& broken) {
  auto verdict = [&] {
    switch (broken.rule) {
      case policy::KillRule::kMemory:
        return proto::VERDICT_MEMORY;
      case policy::KillRule::kPids:
        return proto::VERDICT_PIDS;
      case policy::KillRule::kDepth:
        return proto::VERDICT_CALL_DEPTH;
      case policy::KillRule::kSteps:
        return proto::VERDICT_STEPS;
      case policy::KillRule::kOutput:
        return proto::VERDICT_OUTPUT;
      case policy::KillRule::kTrace:
        return proto::VERDICT_TRACE;
      case policy::KillRule::kCpu:
        return proto::VERDICT_CPU_TIME;
      case policy::KillRule::kWall:
        return proto::VERDICT_WALL_TIME;
    }
    return proto::VERDICT_UNSPECIFIED;
  }();
  return {verdict, broken.sentence, broken.limit.name, broken.late};
}

VerdictAndDetail VerdictOf(const Evidence& evidence) {
  if (evidence.answered) {
    // A shell that reports that its child was killed, for one, is not the cause of that.
    if (evidence.program_error && evidence.program)
      if (auto struck = OfCounters(evidence)) return *struck;
    if (evidence.program_error) return {proto::VERDICT_PROGRAM_ERROR, evidence.program_message, ""};
    return {proto::VERDICT_FINISHED, "", ""};
  }
  if (evidence.cause) {
    // A cell at its memory limit stalls in reclaim before the kernel kills: when the counter says
    // so at the moment of a deadline, memory was the first cause.
    if (KilledForMemory(evidence.usage) && evidence.cause->verdict != proto::VERDICT_OPERATOR)
      return OfDeath(evidence);
    if (evidence.cause->verdict == proto::VERDICT_WALL_TIME)
      if (auto held = HeldByBrake(evidence)) return *held;
    return {evidence.cause->verdict, evidence.cause->sentence, evidence.cause->limit};
  }
  return OfDeath(evidence);
}

std::string VerdictName(proto::Verdict verdict) {
  std::string name = proto::Verdict_Name(verdict).substr(kPrefix.size());
  for (char& c : name) c = static_cast<char>(tolower(static_cast<unsigned char>(c)));
  return name;
}

bool LeavesIncident(proto::Verdict verdict) {
  return verdict != proto::VERDICT_FINISHED && verdict != proto::VERDICT_PROGRAM_ERROR;
}

unsigned HttpStatusOf(proto::Verdict verdict) {
  switch (verdict) {
    case proto::VERDICT_WALL_TIME:
      return 504;
    case proto::VERDICT_OPERATOR:
    case proto::VERDICT_STOPPING:
    case proto::VERDICT_START_FAILED:
    case proto::VERDICT_SUPERVISOR_LOST:
    case proto::VERDICT_REFUSED:
      return 503;
    default:
      return 500;
  }
}

}  // namespace nightjar
