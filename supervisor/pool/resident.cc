#include "supervisor/pool/resident.h"

#include "ipc/core/bounds.h"
#include "ipc/core/check.h"
#include "ipc/core/utf8.h"

namespace nightjar {

Resident::Resident(Loop& loop, RevisionPtr revision, Events events)
    : revision_(std::move(revision)),
      events_(std::move(events)),
      patience_(loop, [this] { Fail("it was not ready in time"); }) {}

void Resident::Start(Worker* worker) {
  worker_ = worker;
  patience_.StartAfter(bounds::kArmTime);
  proto::ToWorker message;
  message.mutable_arm()->set_canvas(revision_->canvas);
  message.mutable_arm()->set_revision(revision_->number);
  message.mutable_arm()->set_program_bytes(revision_->program_bytes);
  // Sent before the process exists: it waits in the socket, and no time is lost between sealed and
  // armed.
  if (Status sent = worker_->Send(message, {revision_->program.get()}); !sent)
    Fail(sent.error().ToString());
}

void Resident::Adopt(Worker* worker) {
  worker_ = worker;
  state_ = State::kArmed;
  worker_->SetUser(this);
  NoteUsage();
}

// While nobody waits for it.
void Resident::NoteUsage() {
  if (auto usage = worker_->cell().ReadUsage()) worker_->usage_before_run = *usage;
}

void Resident::End() {
  state_ = State::kEnding;
  patience_.Stop();
  worker_->Kill(Reaper::Sample::kRunning);
}

Worker* Resident::Release() {
  CHECK(state_ == State::kArmed);
  worker_->SetUser(nullptr);
  return std::exchange(worker_, nullptr);
}

void Resident::OnMessage(proto::FromWorker message, std::vector<Fd>) {
  if (state_ == State::kEnding) return;
  switch (message.kind_case()) {
    case proto::FromWorker::kSealed:
      if (!message.sealed().failed_step().empty())
        Fail(Error{ErrorCode::kInternal, message.sealed().error(),
                   "sealing failed at " + message.sealed().failed_step()}
                 .ToString());
      return;
    case proto::FromWorker::kArmed:
      if (state_ != State::kStarting) break;
      if (!message.armed().error().empty()) return Fail(message.armed().error());
      patience_.Stop();
      state_ = State::kArmed;
      worker_->revision = revision_;
      NoteUsage();
      return events_.armed(this);
    default:
      break;
  }
  Fail("it spoke out of turn");
}

void Resident::OnBroken(const std::string& why) {
  Fail(why);
}

void Resident::OnDenied(const DeniedCall& call) {
  Fail(CauseOf(call, policy::Limits()).sentence);
}

void Resident::OnGone(const Death& death) {
  patience_.Stop();
  if (why_.empty() && state_ != State::kEnding)
    why_ = death.exit.signal != 0 ? "it died of signal " + std::to_string(death.exit.signal)
                                  : "it exited with status " + std::to_string(death.exit.exit_code);
  events_.gone(this, why_, death);
}

void Resident::Fail(const std::string& why) {
  if (why_.empty()) why_ = Utf8Prefix(why, bounds::kVerdictDetailBytes);  // its own words, maybe
  if (state_ == State::kEnding) return;
  End();
}

}  // namespace nightjar
