// Compiles one canvas file in a sealed worker: the supervisor never parses program text.
//
// A worker is made in a cell of that canvas, gets the text, answers with a program or with
// diagnostics, and is ended. It is watched like any run; a text that makes the compiler run away
// ends with a verdict. Loop thread only; lives until `gone`.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "policies/limits.h"
#include "supervisor/pool/worker_factory.h"
#include "supervisor/watch/verdict.h"
#include "supervisor/watch/watchdog.h"

namespace nightjar {

struct CompileResult {
  // Exactly one of three: a program, diagnostics with an error among them, or a verdict.
  std::optional<proto::Manifest> manifest;
  Fd program;
  uint64_t program_bytes = 0;
  std::vector<proto::Diagnostic> diagnostics;  // warnings too, beside a program
  std::optional<VerdictAndDetail> verdict;
};

// What is deployed, as it came.
struct DeployText {
  std::string file_name;  // for messages
  std::string text;
  bool upload = false;          // a canvas file and files beside it, as JSON; else a canvas file
  RevisionNumber based_on = 0;  // refused where another is in force by then; 0: whatever is
};

class CompileRun final : public WorkerUser {
 public:
  // The bounds of a compile run; not a canvas's own, which may be too small for a compiler.
  static policy::Limits LimitsFrom(policy::Limits canvas);

  struct Needs {
    Loop& loop;
    const Clock& clock;
    WorkerFactory& factory;
    DeadlineGuard* guard;  // null: none
  };
  // `done`: once, as soon as the result is known. `gone`: the worker is gone; the compile run may
  // be destroyed in a later turn.
  CompileRun(Needs needs, policy::Limits limits, std::function<void(CompileResult)> done,
             std::function<void(CompileRun*)> gone);
  // An Error: nothing was started and neither callback comes.
  // `earlier`: the revision in force; null: there is none.
  Status Start(const std::string& canvas, const DeployText& text, const proto::Manifest* earlier);

  void OnMessage(proto::FromWorker message, std::vector<Fd> fds) override;
  void OnBroken(const std::string& why) override;
  void OnDenied(KillCause cause) override;
  void OnGone(const Death& death) override;

 private:
  Result<CompileResult> TakeProgram(proto::Compiled compiled, std::vector<Fd> fds);
  void Kill(KillCause cause);
  void Answer(CompileResult result);

  Needs needs_;
  policy::Limits limits_;
  std::function<void(CompileResult)> done_;
  std::function<void(CompileRun*)> gone_;
  Worker* worker_ = nullptr;  // the factory's
  std::optional<Watchdog> watchdog_;
  std::optional<KillCause> cause_;
};

}  // namespace nightjar
