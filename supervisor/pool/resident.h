// A worker while the pool has it: being sealed and armed, waiting, or on its way out. Internal to
// the pool.
#pragma once

#include <functional>
#include <string>

#include "supervisor/loop/loop.h"
#include "supervisor/pool/worker.h"

namespace nightjar {

class Resident final : public WorkerUser {
 public:
  enum class State { kStarting, kArmed, kEnding };
  struct Events {
    std::function<void(Resident*)> armed;
    // The worker is gone. `why` is not empty when it never became armed, or left while it waited.
    std::function<void(Resident*, const std::string& why, const Death&)> gone;
  };

  Resident(Loop& loop, RevisionPtr revision, Events events);

  // A worker that was just made for this resident: sends it its program. Call once, then it turns
  // kArmed by itself.
  void Start(Worker* worker);
  // A worker that is armed already, back from a run.
  void Adopt(Worker* worker);
  // Kills it; `gone` follows.
  void End();
  // Gives it up to a borrower, who sets itself as its user.
  Worker* Release();

  State state() const { return state_; }
  Worker* worker() const { return worker_; }
  const RevisionPtr& revision() const { return revision_; }

  void OnMessage(proto::FromWorker message, std::vector<Fd> fds) override;
  void OnBroken(const std::string& why) override;
  void OnDenied(const DeniedCall& call) override;
  void OnGone(const Death& death) override;

 private:
  void Fail(const std::string& why);
  void NoteUsage();

  RevisionPtr revision_;
  Events events_;
  State state_ = State::kStarting;
  Worker* worker_ = nullptr;  // the factory's
  std::string why_;
  Timer patience_;
};

}  // namespace nightjar
