#include "supervisor/run/compile_run.h"

#include "ipc/core/bounds.h"

namespace nightjar {

policy::Limits CompileRun::LimitsFrom(policy::Limits canvas) {
  policy::Origin built_in{"built in", "compile"};
  canvas.wall = {std::chrono::seconds(10), built_in};
  canvas.cpu = {std::chrono::seconds(5), built_in};
  canvas.memory_bytes = {256 * bounds::kMiB, built_in};
  canvas.reuse = {1, built_in};
  return canvas;
}

CompileRun::CompileRun(Needs needs, policy::Limits limits, std::function<void(CompileResult)> done,
                       std::function<void(CompileRun*)> gone)
    : SoloWorker(needs, std::move(limits), "the compile worker"),
      done_(std::move(done)),
      gone_(std::move(gone)) {}

Status CompileRun::Start(const std::string& canvas, const DeployText& deployed,
                         const proto::Manifest* earlier) {
  NJ_ASSIGN(Fd text, CreateImmutableMemfd("nightjar-source", deployed.text));
  NJ_TRY(Make(canvas));
  proto::ToWorker message;
  message.mutable_compile()->set_canvas(canvas);
  message.mutable_compile()->set_file_name(deployed.file_name);
  message.mutable_compile()->set_source_bytes(deployed.text.size());
  message.mutable_compile()->set_upload(deployed.upload);
  if (earlier != nullptr) *message.mutable_compile()->mutable_earlier() = earlier->handlers();
  Send(message, text);
  return {};
}

void CompileRun::Hear(proto::FromWorker message, std::vector<Fd> fds) {
  if (message.has_sealed()) return (void)CheckSealed(message.sealed());
  if (!message.has_compiled()) return OnBroken("it spoke out of turn");
  auto result = TakeProgram(std::move(*message.mutable_compiled()), std::move(fds));
  if (!result) return OnBroken(result.error().ToString());
  EndWell();
  done_(std::move(*result));
}

void CompileRun::OnVerdict(VerdictAndDetail verdict) {
  CompileResult result;
  result.verdict = std::move(verdict);
  done_(std::move(result));
}

Result<CompileResult> CompileRun::TakeProgram(proto::Compiled compiled, std::vector<Fd> fds) {
  CompileResult result;
  result.diagnostics.assign(compiled.diagnostics().begin(), compiled.diagnostics().end());
  if (compiled.program_bytes() == 0) {
    if (result.diagnostics.empty())
      return Fail(ErrorCode::kProtocol, "it answered with neither a program nor a reason");
    return result;
  }
  if (fds.empty()) return Fail(ErrorCode::kProtocol, "it promised a program and sent none");
  if (static_cast<size_t>(compiled.manifest().handlers_size()) > bounds::kHandlersPerCanvas)
    return Fail(ErrorCode::kProtocol, "it names more handlers than a canvas may have");
  if (compiled.manifest().ByteSizeLong() > bounds::kManifestBytes)
    return Fail(ErrorCode::kProtocol, "it says more of the program than could be saved");
  // Copied into memory of our own: what the worker made is charged to its cell, which is about to
  // go.
  NJ_ASSIGN(std::string program, ReadForeignMemfd(fds[0], bounds::kProgramBytes));
  NJ_ASSIGN(result.program, CreateImmutableMemfd("nightjar-program", program));
  result.program_bytes = program.size();
  result.manifest = std::move(*compiled.mutable_manifest());
  return result;
}

}  // namespace nightjar
