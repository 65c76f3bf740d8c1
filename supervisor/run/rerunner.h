// Does stored runs again: with the same input, on the revision in force or an earlier one, and
// makes a new trace of it, which says whose it repeats. Or one function of them alone, with the
// arguments that it had or others; what that did is a patch of the old trace. The old one stays
// what it is.
//
// What impure functions returned then, they return again (worker/lang/replay.h); `live` lets them
// be called. Programs of exec handlers can only be run live. Not counted by admission: an operator
// asked. Loop thread only.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "policies/policy.h"
#include "supervisor/canvas/canvas_book.h"
#include "supervisor/journal/journal.h"
#include "supervisor/run/run_service.h"

namespace nightjar {

struct FunctionOrder {
  std::string name;
  uint64_t call = 1;  // the trace's so many-th of it; 0: with these arguments
  std::string arguments_json;
};

struct RerunOrder {
  std::string canvas;
  RunId run;
  RevisionNumber revision = 0;  // 0: the one in force
  bool live = false;
  std::optional<FunctionOrder> function;  // this alone
  std::string by;                         // who asks, as a run's caller
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
  struct Again {
    RunResult result;
    RevisionNumber revision = 0;
    std::optional<proto::PatchOf> patch;  // that the run is
  };
  using Done = std::function<void(Result<Again>)>;

  explicit Rerunner(Needs needs) : needs_(std::move(needs)) {}

  // `done` once; an Error says why there was no run. Outlives what it has begun.
  void Rerun(RerunOrder order, Done done);

 private:
  void WithRevision(const RerunOrder& order, std::function<void(Result<RevisionPtr>)> found);
  void Start(const RerunOrder& order, proto::ReplayAnswer replay, RevisionPtr revision, Done done);

  Needs needs_;
};

}  // namespace nightjar
