// Reads one trace that classic Dark stored, in a sealed worker that has the canvas's program: the
// supervisor never parses what comes from strangers.
//
// A worker is made in a cell of that canvas and armed. It looks at the object, somebody says what
// run it becomes, it makes the events of it, and is ended. It is watched like any run; an object
// that makes it run away ends with a verdict. Loop thread only; lives until `gone`.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "policies/limits.h"
#include "supervisor/pool/worker_factory.h"
#include "supervisor/watch/verdict.h"
#include "supervisor/watch/watchdog.h"

namespace nightjar {

class ImportRun final : public WorkerUser {
 public:
  struct Read {
    proto::Imported answer;
    std::string events;
  };
  struct Wants {
    // What the worker saw; returns what it becomes, or why that cannot be said.
    std::function<Result<proto::Import>(const proto::Imported& seen)> decide;
    // Once, with an Error that says why nothing was read.
    std::function<void(Result<Read>)> done;
    // The worker is gone; the run may be destroyed in a later turn.
    std::function<void(ImportRun*)> gone;
  };
  struct Needs {
    Loop& loop;
    const Clock& clock;
    WorkerFactory& factory;
    DeadlineGuard* guard;  // null: none
  };
  ImportRun(Needs needs, const policy::Limits& canvas, RevisionPtr revision, Wants wants);
  // An Error: nothing was started and nobody is called.
  Status Start(std::string_view object);

  void OnMessage(proto::FromWorker message, std::vector<Fd> fds) override;
  void OnBroken(const std::string& why) override;
  void OnDenied(KillCause cause) override;
  void OnGone(const Death& death) override;

 private:
  void OnSealed(const proto::Sealed& sealed);
  void OnImported(proto::Imported imported, const std::vector<Fd>& fds);
  void Send(proto::ToWorker message, const Fd& fd);
  void SendImport(proto::Import order);
  void Kill(KillCause cause);
  void Answer(Result<Read> result);

  Needs needs_;
  const policy::Limits limits_;
  const RevisionPtr revision_;
  Wants wants_;
  Fd object_;
  uint64_t object_bytes_ = 0;
  Worker* worker_ = nullptr;  // the factory's
  std::optional<Watchdog> watchdog_;
  std::optional<KillCause> cause_;
  // What the worker's next message has to be an answer to.
  enum class Asked { kToSeal, kToArm, kToLook, kToImport } asked_ = Asked::kToSeal;
};

}  // namespace nightjar
