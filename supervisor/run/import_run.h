// Reads one trace that classic Dark stored, in a sealed worker that has the canvas's program: the
// supervisor never parses what comes from strangers.
//
// The worker is armed and looks at the object, somebody says what run it becomes, and it makes the
// events of it; an object that makes it run away ends with a verdict. Loop thread only; lives until
// `gone`.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "supervisor/run/solo_worker.h"

namespace nightjar {

class ImportRun final : public SoloWorker {
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
  ImportRun(Needs needs, const policy::Limits& canvas, RevisionPtr revision, Wants wants);
  // An Error: nothing was started and nobody is called.
  Status Start(std::string_view object);

 private:
  void Hear(proto::FromWorker message, std::vector<Fd> fds) override;
  void OnVerdict(VerdictAndDetail verdict) override;
  void OnBuried() override { wants_.gone(this); }
  void OnSealed(const proto::Sealed& sealed);
  void OnImported(proto::Imported imported, const std::vector<Fd>& fds);
  void SendImport(proto::Import order);
  void Answer(Result<Read> result);

  const RevisionPtr revision_;
  const Wants wants_;
  Fd object_;
  uint64_t object_bytes_ = 0;
  // What the worker's next message has to be an answer to.
  enum class Asked { kToSeal, kToArm, kToLook, kToImport } asked_ = Asked::kToSeal;
};

}  // namespace nightjar
