// One piece of work for a sealed worker of its own, which is no run of a handler: a canvas is
// compiled, a foreign trace is read.
//
// The worker is made in a cell of the canvas, watched like any run, and ended once it has answered.
// What a piece of work says to it and makes of its answers is the derived class's; how it ends is
// the same for all. Loop thread only.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "policies/limits.h"
#include "supervisor/pool/worker_factory.h"
#include "supervisor/watch/verdict.h"
#include "supervisor/watch/watchdog.h"

namespace nightjar {

class SoloWorker : public WorkerUser {
 public:
  struct Needs {
    Loop& loop;
    const Clock& clock;
    WorkerFactory& factory;
    DeadlineGuard* guard;  // null: none
  };

  void OnMessage(proto::FromWorker message, std::vector<Fd> fds) final;
  void OnBroken(const std::string& why) final;
  void OnDenied(const DeniedCall& call) final;
  void OnGone(const Death& death) final;

 protected:
  // `name` is for who reads of its faults: "the compile worker".
  SoloWorker(Needs needs, policy::Limits limits, std::string name);

  // An Error: nothing was made, and nothing of the below is called.
  Status Make(const std::string& canvas);
  // Of a worker that cannot be told, the end is on its way.
  void Send(const proto::ToWorker& message, const Fd& fd);
  // False: it is not sealed, and is killed for that.
  bool CheckSealed(const proto::Sealed& sealed);
  // It has answered: no limit strikes any more, nothing more of it is heard, and it is ended.
  void EndWell();

 private:
  // Until it has answered or is killed.
  virtual void Hear(proto::FromWorker message, std::vector<Fd> fds) = 0;
  // It ended, and had not answered.
  virtual void OnVerdict(VerdictAndDetail verdict) = 0;
  // The last call; this may be destroyed in a later turn.
  virtual void OnBuried() = 0;

  void Kill(KillCause cause);

  const Needs needs_;
  const policy::Limits limits_;
  const std::string name_;
  Worker* worker_ = nullptr;  // the factory's
  std::optional<Watchdog> watchdog_;
  std::optional<KillCause> cause_;
  bool answered_ = false;
};

// Those that are under way.
class SoloWorkers {
 public:
  explicit SoloWorkers(Loop& loop) : loop_(loop) {}
  void Add(std::unique_ptr<SoloWorker> worker);
  // From its OnBuried(): it is destroyed in a later turn.
  void Remove(SoloWorker* worker);
  size_t size() const { return workers_.size(); }

 private:
  Loop& loop_;
  std::map<SoloWorker*, std::unique_ptr<SoloWorker>> workers_;
};

}  // namespace nightjar
