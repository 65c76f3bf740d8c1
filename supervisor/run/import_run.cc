#include "supervisor/run/import_run.h"

#include <utility>

#include "ipc/core/bounds.h"

namespace nightjar {
namespace {

// Not a canvas's own limits, which may be too small for an object with a large request in it.
policy::Limits LimitsFrom(policy::Limits canvas) {
  policy::Origin built_in{"built in", "import"};
  canvas.wall = {std::chrono::seconds(20), built_in};
  canvas.cpu = {std::chrono::seconds(15), built_in};
  canvas.memory_bytes = {bounds::kImportMemoryBytes, built_in};
  canvas.reuse = {1, built_in};
  return canvas;
}

}  // namespace

ImportRun::ImportRun(Needs needs, const policy::Limits& canvas, RevisionPtr revision, Wants wants)
    : needs_(needs),
      limits_(LimitsFrom(canvas)),
      revision_(std::move(revision)),
      wants_(std::move(wants)) {}

Status ImportRun::Start(std::string_view object) {
  object_bytes_ = object.size();
  NJ_ASSIGN(object_, CreateImmutableMemfd("nightjar-import", object));
  NJ_ASSIGN(worker_, needs_.factory.Make(revision_->canvas, proto::ENGINE_DARK, limits_, this));
  watchdog_.emplace(needs_.loop, needs_.clock, needs_.guard, worker_->cell(), limits_, CellUsage{},
                    needs_.clock.Mono(), [this](KillCause cause) { Kill(std::move(cause)); });
  return {};
}

void ImportRun::OnMessage(proto::FromWorker message, std::vector<Fd> fds) {
  if (!wants_.done || cause_) return;
  if (asked_ == Asked::kToSeal && message.has_sealed()) return OnSealed(message.sealed());
  if (asked_ == Asked::kToArm && message.has_armed()) {
    if (!message.armed().error().empty()) return OnBroken(message.armed().error());
    asked_ = Asked::kToLook;
    proto::Import look;
    look.set_look(true);
    return SendImport(std::move(look));
  }
  bool may_answer = asked_ == Asked::kToLook || asked_ == Asked::kToImport;
  if (!may_answer || !message.has_imported()) return OnBroken("it spoke out of turn");
  OnImported(std::move(*message.mutable_imported()), fds);
}

void ImportRun::OnSealed(const proto::Sealed& sealed) {
  if (!sealed.failed_step().empty())
    return Kill(
        {proto::VERDICT_START_FAILED,
         Error{ErrorCode::kInternal, sealed.error(), "sealing failed at " + sealed.failed_step()}
             .ToString(),
         "", Nanos(0)});
  asked_ = Asked::kToArm;
  proto::ToWorker message;
  message.mutable_arm()->set_canvas(revision_->canvas);
  message.mutable_arm()->set_revision(revision_->number);
  message.mutable_arm()->set_program_bytes(revision_->program_bytes);
  Send(std::move(message), revision_->program);
}

void ImportRun::OnImported(proto::Imported imported, const std::vector<Fd>& fds) {
  if (!imported.wrong().empty()) return Answer(Fail(ErrorCode::kInvalid, imported.wrong()));
  if (asked_ == Asked::kToLook) {
    auto order = wants_.decide(imported);
    if (!order) return Answer(tl::unexpected<Error>(std::move(order.error())));
    asked_ = Asked::kToImport;
    return SendImport(std::move(*order));
  }
  if (fds.size() != 1) return OnBroken("it promised events and sent none");
  // Copied: what the worker made is charged to its cell, which is about to go.
  auto events = ReadForeignMemfd(fds[0], bounds::kTraceContainerBytes);
  if (!events) return OnBroken(events.error().ToString());
  Answer(Read{std::move(imported), std::move(*events)});
}

void ImportRun::SendImport(proto::Import order) {
  proto::ToWorker message;
  order.set_object_bytes(object_bytes_);
  *message.mutable_import() = std::move(order);
  Send(std::move(message), object_);
}

void ImportRun::Send(proto::ToWorker message, const Fd& fd) {
  if (Status sent = worker_->Send(message, {fd.get()}); !sent) OnBroken(sent.error().ToString());
}

void ImportRun::OnBroken(const std::string& why) {
  Kill({proto::VERDICT_PROTOCOL, "the importing worker broke its protocol: " + why, "", Nanos(0)});
}

void ImportRun::OnDenied(KillCause cause) {
  Kill(std::move(cause));
}

void ImportRun::Kill(KillCause cause) {
  if (cause_) return;
  cause_ = std::move(cause);
  if (watchdog_) watchdog_->Stop();
  worker_->Kill(Reaper::Sample::kRunning);
}

void ImportRun::OnGone(const Death& death) {
  if (watchdog_ && !cause_) cause_ = watchdog_->GuardsCause();
  watchdog_.reset();
  if (wants_.done) {
    Evidence evidence;
    evidence.cause = cause_;
    evidence.exit = death.exit;
    evidence.usage = death.usage;
    evidence.limits = &limits_;
    VerdictAndDetail verdict = VerdictOf(evidence);
    std::exchange(wants_.done, nullptr)(Fail(
        ErrorCode::kInvalid,
        "reading it ended with verdict " + VerdictName(verdict.verdict) + ": " + verdict.detail));
  }
  needs_.factory.Bury(std::exchange(worker_, nullptr), death);
  wants_.gone(this);
}

void ImportRun::Answer(Result<Read> result) {
  watchdog_.reset();
  worker_->Kill(Reaper::Sample::kRunning);
  std::exchange(wants_.done, nullptr)(std::move(result));
}

}  // namespace nightjar
