// The seam between a sealed worker and the interpreter inside it: another language plugs in here
// and nowhere else.
//
// An engine is warmed in the zygote (tables built, code paged in) before any canvas exists, so that
// a fork starts hot. After the fork, one worker calls either Compile() once, or Load() once and
// then Run() for each run, or Import() for one trace. Everything here happens behind the walls: no
// file, no network, no thread. Single thread. An engine never calls the supervisor itself: it
// returns, and session.cc speaks. Runaways are not the engine's to stop, but for what it counts
// cheaply (call depth, steps, the memory of values, output) and when the session's timer asks it
// to.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/core/result.h"
#include "ipc/proto/program.pb.h"
#include "ipc/proto/worker.pb.h"
#include "worker/trace/recorder.h"

namespace nightjar {

struct CompileOutcome {
  std::string program;  // empty when a diagnostic is an error
  proto::Manifest manifest;
  std::vector<proto::Diagnostic> diagnostics;
};

struct RunOutcome {
  // Set when the engine stopped the program at a limit that it keeps itself; the rest is then
  // empty.
  proto::SelfLimit limit_hit = proto::SELF_LIMIT_UNSPECIFIED;
  uint64_t measured = 0;
  // Set when what ran was a program of its own, and a signal ended it; the rest is then empty.
  int died_of_signal = 0;

  // Always set.
  uint64_t steps = 0;
  uint64_t value_bytes = 0;
  // Of an earlier run that was done again: impure calls that its trace answered, and others.
  uint32_t calls_answered = 0;
  uint32_t calls_live = 0;

  uint32_t status = 0;
  std::vector<proto::Header> headers;
  std::string body;
  bool program_error =
      false;  // the value was an error or incomplete: status is 500 and `error` says why
  std::string error;
  bool request_refused = false;  // the body was not what it says: nothing ran, status is 400
};

struct ImportOutcome {
  proto::Imported answer;
  std::string events;  // of an import; encoded as in a block of a stored trace
};

class Engine {
 public:
  virtual ~Engine() = default;

  // Text, and the files beside it, to program. `file_name` is for messages; `earlier` are the
  // handlers of the revision before, which keep their ids. Never fails as plumbing: what is wrong
  // with them is a diagnostic.
  using HandlerEntries = google::protobuf::RepeatedPtrField<proto::HandlerEntry>;
  virtual CompileOutcome Compile(std::string_view file_name, const proto::Upload& upload,
                                 const HandlerEntries& earlier) = 0;
  CompileOutcome Compile(std::string_view file_name, std::string_view source) {
    proto::Upload alone;
    alone.set_source(std::string(source));
    return Compile(file_name, alone, {});
  }
  // `program` came from Compile() of the same version, through the writer's disk; anything else is
  // kProtocol or kUnsupported.
  virtual Status Load(std::string_view program) = 0;
  // Runs the handler with run.tlid(). `body` is the request's body, or the replay of an earlier
  // run, whether it came inline or as a memfd. Writes the whole trace, from StartRun to FinishRun,
  // to `recorder`.
  virtual RunOutcome Run(const proto::Run& run, std::string_view body, Recorder& recorder) = 0;
  // Reads a trace that classic Dark stored, for the program that is loaded. Never fails as
  // plumbing: what is wrong with it is said in the answer.
  virtual ImportOutcome Import(const proto::Import& order, std::string_view object) = 0;
  // A deadline is near: the run that is going on stops at its next step, with this as its
  // `limit_hit`. Called by a signal handler; without a run it does nothing.
  virtual void AskToStop(proto::SelfLimit why) noexcept = 0;
};

// The interpreter of classic Dark's expression language (worker/lang, worker/stdlib), warm.
std::unique_ptr<Engine> CreateDarkEngine();
// Programs of the host (worker/exec).
std::unique_ptr<Engine> CreateExecEngine();

}  // namespace nightjar
