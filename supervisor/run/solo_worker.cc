#include "supervisor/run/solo_worker.h"

#include <utility>

namespace nightjar {

SoloWorker::SoloWorker(Needs needs, policy::Limits limits, std::string name)
    : needs_(needs), limits_(std::move(limits)), name_(std::move(name)) {}

Status SoloWorker::Make(const std::string& canvas) {
  NJ_ASSIGN(worker_, needs_.factory.Make(canvas, proto::ENGINE_DARK, limits_, this));
  watchdog_.emplace(needs_.loop, needs_.clock, needs_.guard, worker_->cell(), limits_, CellUsage{},
                    needs_.clock.Mono(), [this](KillCause cause) { Kill(std::move(cause)); });
  return {};
}

void SoloWorker::Send(const proto::ToWorker& message, const Fd& fd) {
  if (Status sent = worker_->Send(message, {fd.get()}); !sent) OnBroken(sent.error().ToString());
}

void SoloWorker::OnMessage(proto::FromWorker message, std::vector<Fd> fds) {
  if (!answered_ && !cause_) Hear(std::move(message), std::move(fds));
}

bool SoloWorker::CheckSealed(const proto::Sealed& sealed) {
  if (sealed.failed_step().empty()) return true;
  Kill({proto::VERDICT_START_FAILED,
        Error{ErrorCode::kInternal, sealed.error(), "sealing failed at " + sealed.failed_step()}
            .ToString(),
        "", Nanos(0)});
  return false;
}

void SoloWorker::EndWell() {
  answered_ = true;
  watchdog_.reset();
  worker_->Kill(Reaper::Sample::kRunning);
}

void SoloWorker::OnBroken(const std::string& why) {
  Kill({proto::VERDICT_PROTOCOL, name_ + " broke its protocol: " + why, "", Nanos(0)});
}

void SoloWorker::OnDenied(const DeniedCall& call) {
  Kill(CauseOf(call, limits_));
}

void SoloWorker::Kill(KillCause cause) {
  if (cause_) return;
  cause_ = std::move(cause);
  if (watchdog_) watchdog_->Stop();
  worker_->Kill(Reaper::Sample::kRunning);
}

void SoloWorker::OnGone(const Death& death) {
  if (watchdog_ && !cause_) cause_ = watchdog_->GuardsCause();
  watchdog_.reset();
  if (!answered_) {
    Evidence evidence;
    evidence.cause = cause_;
    evidence.exit = death.exit;
    evidence.usage = death.usage;
    evidence.limits = &limits_;
    OnVerdict(VerdictOf(evidence));
  }
  needs_.factory.Bury(std::exchange(worker_, nullptr), death);
  OnBuried();
}

void SoloWorkers::Add(std::unique_ptr<SoloWorker> worker) {
  SoloWorker* raw = worker.get();
  workers_.emplace(raw, std::move(worker));
}

void SoloWorkers::Remove(SoloWorker* worker) {
  auto at = workers_.find(worker);
  auto body = std::make_shared<std::unique_ptr<SoloWorker>>(std::move(at->second));
  workers_.erase(at);
  loop_.Post([body] { body->reset(); });
}

}  // namespace nightjar
