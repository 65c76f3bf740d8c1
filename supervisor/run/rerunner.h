// Does stored runs again: with the same input, on the revision in force or an earlier one, and
// makes a new trace of it, which says whose it repeats. The old one stays what it is.
//
// What impure functions returned then, they return again (worker/lang/replay.h); `live` lets them
// be called. Programs of exec handlers can only be run live. Not counted by admission: an operator
// asked. Loop thread only.
#pragma once

#include <functional>
#include <string>

#include "policies/policy.h"
#include "supervisor/canvas/canvas_book.h"
#include "supervisor/journal/journal.h"
#include "supervisor/run/run_service.h"

namespace nightjar {

struct RerunOrder {
  std::string canvas;
  RunId run;
  RevisionNumber revision = 0;  // 0: the one in force
  bool live = false;
  std::string by;  // who asks, as a run's caller
};

class Rerunner {
 public:
  struct Needs {
    const Clock& clock;
    CanvasBook& book;
    Journal& journal;
    RunService& runs;
    std::function<std::shared_ptr<const policy::Policy>()> policy;
    std::string redaction_key;
  };
  // `revision`: on which it ran.
  using Done = std::function<void(Result<RunResult> result, RevisionNumber revision)>;

  explicit Rerunner(Needs needs) : needs_(std::move(needs)) {}

  // `done` once; an Error says why there was no run. Outlives what it has begun.
  void Rerun(RerunOrder order, Done done);

 private:
  void WithRevision(const RerunOrder& order, std::function<void(Result<RevisionPtr>)> found);
  void Start(const RerunOrder& order, proto::ReplayAnswer replay, RevisionPtr revision, Done done);

  Needs needs_;
};

}  // namespace nightjar
