// Compiles one canvas file in a sealed worker: the supervisor never parses program text.
//
// The worker gets the text and answers with a program or with diagnostics; a text that makes the
// compiler run away ends with a verdict. Loop thread only; lives until `gone`.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "supervisor/run/solo_worker.h"

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

class CompileRun final : public SoloWorker {
 public:
  // The bounds of a compile run; not a canvas's own, which may be too small for a compiler.
  static policy::Limits LimitsFrom(policy::Limits canvas);

  // `done`: once, as soon as the result is known. `gone`: the worker is gone; the compile run may
  // be destroyed in a later turn.
  CompileRun(Needs needs, policy::Limits limits, std::function<void(CompileResult)> done,
             std::function<void(CompileRun*)> gone);
  // An Error: nothing was started and neither callback comes.
  // `earlier`: the revision in force; null: there is none.
  Status Start(const std::string& canvas, const DeployText& text, const proto::Manifest* earlier);

 private:
  void Hear(proto::FromWorker message, std::vector<Fd> fds) override;
  void OnVerdict(VerdictAndDetail verdict) override;
  void OnBuried() override { gone_(this); }
  Result<CompileResult> TakeProgram(proto::Compiled compiled, std::vector<Fd> fds);

  const std::function<void(CompileResult)> done_;
  const std::function<void(CompileRun*)> gone_;
};

}  // namespace nightjar
