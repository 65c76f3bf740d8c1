// All runs of this supervisor: starts them, finds them, ends them, counts them. Loop thread only.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "ipc/core/bounds.h"
#include "policies/policy.h"
#include "supervisor/metrics/metrics.h"
#include "supervisor/run/run.h"

namespace nightjar {

class RunService {
 public:
  // `guard` (null: none) outlives it, as all do. `look_time` is what the kill of a program waits
  // for a look at its processes.
  RunService(Loop& loop, const Clock& clock, WorkerPool& pool, Journal& journal, Metrics& metrics,
             DeadlineGuard* guard, std::chrono::milliseconds look_time = bounds::kProcessLookTime);
  ~RunService();

  // Called at each run's end, before whoever asked for it hears. Before the first run.
  void OnEnd(std::function<void(const RunOrder&, const RunResult&)> ended) {
    ended_ = std::move(ended);
  }

  // Admitted already. Everything that becomes of it comes through order.done, and into the journal.
  void Start(RunOrder order);

  // kNotFound when no such run is live. `killed` is called when it has ended, with its verdict.
  Status Kill(const RunId& id, const std::string& by, std::function<void(const RunResult&)> killed);

  // Ends every live run that `which` wants; how many. `killed` is called when the last of them has
  // ended, before this returns where there is none.
  using Which = std::function<bool(const Run&)>;
  size_t KillAll(const Which& which, const std::string& sentence, std::function<void()> killed);
  // Lets paused runs go on, all that `which` wants.
  void Resume(const Which& which);
  // Other limits are in force: live runs are held to what these say is urgent, and keep the rest of
  // what they began with. Returns how many of them got a tighter limit.
  size_t Tighten(const std::function<policy::Limits(const RunOrder&)>& limits_of);

  // Live runs, oldest first.
  std::vector<const Run*> Live() const;
  size_t live() const { return runs_.size(); }
  struct Counts {
    size_t running = 0;
    size_t queued = 0;
  };
  Counts CountsOf(const std::string& canvas) const;
  Counts CountsOfAll() const;

  // A stop: runs that still come end at once. `drained` is called once, when the last one has
  // ended; those that are not done at `patience` are killed.
  void Drain(Nanos patience, std::function<void()> drained);

 private:
  void OnEnded(Run* run);
  void OnDone(const RunOrder& order, const RunResult& result);

  Loop& loop_;
  const Clock& clock_;
  WorkerPool& pool_;
  Journal& journal_;
  Metrics& metrics_;
  DeadlineGuard* guard_;
  ProcessLooker looker_;  // outlives the runs
  struct Entry {
    std::unique_ptr<Run> run;
    std::vector<std::function<void(const RunResult&)>> waiting;  // operators who killed it
  };
  std::unordered_map<RunId, Entry> runs_;
  // What admission counts for each request: those of one canvas only.
  std::unordered_map<std::string, std::unordered_set<const Run*>> of_canvas_;
  std::function<void(const RunOrder&, const RunResult&)> ended_;
  bool draining_ = false;
  std::function<void()> drained_;
  Timer patience_;
};

}  // namespace nightjar
