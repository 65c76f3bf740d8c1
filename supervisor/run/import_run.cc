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
    : SoloWorker(needs, LimitsFrom(canvas), "the importing worker"),
      revision_(std::move(revision)),
      wants_(std::move(wants)) {}

Status ImportRun::Start(std::string_view object) {
  object_bytes_ = object.size();
  NJ_ASSIGN(object_, CreateImmutableMemfd("nightjar-import", object));
  return Make(revision_->canvas);
}

void ImportRun::Hear(proto::FromWorker message, std::vector<Fd> fds) {
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
  if (!CheckSealed(sealed)) return;
  asked_ = Asked::kToArm;
  proto::ToWorker message;
  message.mutable_arm()->set_canvas(revision_->canvas);
  message.mutable_arm()->set_revision(revision_->number);
  message.mutable_arm()->set_program_bytes(revision_->program_bytes);
  Send(message, revision_->program);
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
  Send(message, object_);
}

void ImportRun::OnVerdict(VerdictAndDetail verdict) {
  wants_.done(Fail(ErrorCode::kInvalid, "reading it ended with verdict " +
                                            VerdictName(verdict.verdict) + ": " + verdict.detail));
}

void ImportRun::Answer(Result<Read> result) {
  EndWell();
  wants_.done(std::move(result));
}

}  // namespace nightjar
