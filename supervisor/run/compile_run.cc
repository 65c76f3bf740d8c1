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
    : needs_(needs), limits_(std::move(limits)), done_(std::move(done)), gone_(std::move(gone)) {}

Status CompileRun::Start(const std::string& canvas, const DeployText& deployed,
                         const proto::Manifest* earlier) {
  NJ_ASSIGN(Fd text, CreateImmutableMemfd("nightjar-source", deployed.text));
  NJ_ASSIGN(worker_, needs_.factory.Make(canvas, proto::ENGINE_DARK, limits_, this));
  watchdog_.emplace(needs_.loop, needs_.clock, needs_.guard, worker_->cell(), limits_, CellUsage{},
                    needs_.clock.Mono(), [this](KillCause cause) { Kill(std::move(cause)); });
  proto::ToWorker message;
  message.mutable_compile()->set_canvas(canvas);
  message.mutable_compile()->set_file_name(deployed.file_name);
  message.mutable_compile()->set_source_bytes(deployed.text.size());
  message.mutable_compile()->set_upload(deployed.upload);
  if (earlier != nullptr) *message.mutable_compile()->mutable_earlier() = earlier->handlers();
  if (Status sent = worker_->Send(message, {text.get()}); !sent) OnBroken(sent.error().ToString());
  return {};
}

void CompileRun::OnMessage(proto::FromWorker message, std::vector<Fd> fds) {
  if (!done_ || cause_) return;
  if (message.has_sealed()) {
    if (message.sealed().failed_step().empty()) return;
    return Kill({proto::VERDICT_START_FAILED,
                 Error{ErrorCode::kInternal, message.sealed().error(),
                       "sealing failed at " + message.sealed().failed_step()}
                     .ToString(),
                 "", Nanos(0)});
  }
  if (!message.has_compiled()) return OnBroken("it spoke out of turn");
  auto result = TakeProgram(std::move(*message.mutable_compiled()), std::move(fds));
  if (!result) return OnBroken(result.error().ToString());
  watchdog_.reset();
  Answer(std::move(*result));
  worker_->Kill(Reaper::Sample::kRunning);
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

void CompileRun::OnBroken(const std::string& why) {
  Kill({proto::VERDICT_PROTOCOL, "the compile worker broke its protocol: " + why, "", Nanos(0)});
}

void CompileRun::OnDenied(KillCause cause) {
  Kill(std::move(cause));
}

void CompileRun::Kill(KillCause cause) {
  if (cause_) return;
  cause_ = std::move(cause);
  if (watchdog_) watchdog_->Stop();
  worker_->Kill(Reaper::Sample::kRunning);
}

void CompileRun::OnGone(const Death& death) {
  if (watchdog_ && !cause_) cause_ = watchdog_->GuardsCause();
  watchdog_.reset();
  if (done_) {
    Evidence evidence;
    evidence.cause = cause_;
    evidence.exit = death.exit;
    evidence.usage = death.usage;
    evidence.limits = &limits_;
    CompileResult result;
    result.verdict = VerdictOf(evidence);
    Answer(std::move(result));
  }
  needs_.factory.Bury(std::exchange(worker_, nullptr), death);
  gone_(this);
}

void CompileRun::Answer(CompileResult result) {
  auto done = std::exchange(done_, nullptr);
  done(std::move(result));
}

}  // namespace nightjar
