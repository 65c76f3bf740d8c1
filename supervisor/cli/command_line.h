// What `nightjar` was asked to do. Plain values; parsing prints help and mistakes by itself.
//
// `serve` never comes here: main hands its arguments to nightjard as they are.
#pragma once

#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <variant>
#include <vector>

#include "supervisor/cli/terminal.h"

namespace nightjar::cli {

inline constexpr char kDefaultState[] = "/var/lib/nightjar";

enum class Command {
  kDeploy,
  kCanvases,
  kRun,
  kPs,
  kTop,
  kMetrics,
  kWatch,
  kKill,
  kKillAll,
  kSuspend,
  kPause,
  kBlock,
  kTighten,
  kControls,
  kLift,
  kAudit,
  kVerifyAudit,
  kRerun,
  kRunFunction,
  kDeleteTrace,
  kImportTraces,
  kTraces,
  kTrace,
  kHold,
  kRelease,
  kHolds,
  kMissed,
  kHandlerFromMissed,
  kIncidents,
  kVerifyIncidents,
  kIncident,
  kWhy,
  kSimilar,
  kEvidence,
  kCanvas,
  kUsage,
  kLimits,
  kCheckPolicy,
  kRules,
  kRuleHits,
  kCheckRules,
  kTestRules,
  kDiffPolicies,
  kExplainPolicy,
  kPolicySchema,
  kDoctor,
  kFunctions,
  kFormat,
};

// How `trace` prints what it was given.
enum class TraceFormat { kTree, kOtlp, kChrome };

// Fields that the command does not take are empty.
struct CommandLine {
  Command command = Command::kCanvases;
  std::string state = kDefaultState;
  bool json = false;
  ColourChoice colour = ColourChoice::kAuto;

  std::string canvas;
  std::string handler;
  std::string file;   // deploy's program, run's input; "-": standard input
  std::string id;     // of a run, a trace or an incident; may be a prefix
  std::string limit;  // policy explain: this one only; tighten
  std::string route;  // handler-from-404: the request, "GET /users/7"
  std::string as;     // and the handler's route, where it is another: "/users/:id"
  std::string verdict;
  bool all_machines = false;
  std::string function;  // that traces called, and what else they are chosen by
  std::string caller;
  std::string since;
  std::string until;
  std::string field;      // "user_id=7"
  std::string by;         // usage: hour, day or canvas
  std::string revision;   // of a canvas
  std::string call;       // run-function: the trace's so many-th of it
  std::string arguments;  // or a JSON list of others
  std::string reason;     // of a hold, a deletion, a control, a kill
  std::string lasts;      // of a control: "2h"
  std::string value;
  std::string code_hash;  // of the revisions whose runs are killed, or of incidents
  std::string out;        // the file that gets an incident's evidence
  std::string sort;       // top: what canvases are in the order of
  std::string actor;      // of entries of the audit log, like the next
  std::string action;
  bool urgent = false;            // tighten: runs in flight too
  bool kill = false;              // suspend: runs in flight are killed
  bool all = false;               // kill: everything that matches
  std::string rule;               // rules hits
  bool open_only = false;         // rules hits: that go on
  bool dry_run = false;           // kill: only say what would be
  std::string kinds;              // of handlers; of events, with commas between them
  std::string word;               // that functions are looked for by
  std::optional<uint32_t> count;  // -n
  bool live = false;              // rerun, run-function: impure calls are made again
  bool full = false;
  TraceFormat format = TraceFormat::kTree;
  std::string object;     // trace: the file that gets it as it is stored; "-": standard output
  std::string open_with;  // trace: the program that shows it
  bool verify = false;    // incidents: walk along their chain instead
  std::string head;       // of that chain, as the log told it: "17:9f86..."
  // That are formatted ("-": standard input), imported, or deployed beside.
  std::vector<std::string> files;
  bool timeline = false;  // canvas: what happened to it
  bool write = false;     // into the files
  bool check = false;     // only whether they would change

  std::string control_socket() const { return state + "/control.sock"; }
};

// The exit code instead, when all has been said: help, version, wrong usage.
std::variant<CommandLine, int> ParseCommandLine(int argc, const char* const* argv,
                                                std::ostream& out, std::ostream& err);

}  // namespace nightjar::cli
