// One worker's trace ring, and the runs that are open on it.
//
// The events of a reused worker's runs follow each other in one stream: RunStart tells them apart.
// A worker that starts a run which was not given to it, or breaks the ring's contract in any other
// way, is hostile: its ring is condemned, nothing of it is read any more, and the traces so far are
// kept. A ring that an earlier writer had begun to read gets the benefit of the doubt, because it
// may begin in the middle of a run. What was read stays in the ring until it is stored, as far as
// there is room, so that this writer's death costs no event. Single thread.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ipc/core/fd.h"
#include "ipc/ring/consumer.h"
#include "supervisor/writer/open_trace.h"

namespace nightjar {

// With the first run that is told of it, or anywhere: a writer had it before.
enum class RingBegins { kWithARun, kAnywhere };

class WorkerRing {
 public:
  // `ring` comes from the supervisor, its bytes from a worker. `shared` outlives it.
  static Result<std::unique_ptr<WorkerRing>> Create(WorkerId worker, std::string canvas,
                                                    const Fd& ring, RingBegins begins,
                                                    OpenTraces& shared);

  void Begin(const RunId& run, proto::RunBegan began);
  // Takes what the stream still holds of the run, and the run off the ring. Null: it is not open
  // here.
  std::unique_ptr<OpenTrace> End(const RunId& run);
  // Before which the stream has nothing of a run that is still open, or still to begin; and that
  // it is stored up to there, so that a writer after this one need not see it.
  uint64_t ended_at() const;
  void Free(uint64_t position);
  // Takes about `bytes_max` out of the stream; returns how much it took.
  size_t Drain(size_t bytes_max);

  bool busy() const { return !open_.empty(); }
  bool resumed() const { return resumed_; }
  bool worker_gone() const { return worker_gone_; }
  void set_worker_gone() { worker_gone_ = true; }
  // Empty: it is not condemned.
  const std::string& condemned() const { return condemned_; }
  std::vector<RunId> open_runs() const;
  std::span<const std::byte> bytes() const { return mapping_.bytes(); }

 private:
  // Events of a run whose RunBegan is still on its way. They are one chunk of the stream at most:
  // nothing more is taken before it is there.
  struct EarlyRun {
    RunId run;
    uint64_t begins = 0;  // in the stream
    std::vector<std::string> events;
  };

  struct OpenRun {
    std::unique_ptr<OpenTrace> trace;
    std::optional<uint64_t> begins;  // where its first event was in the stream
  };

  WorkerRing(WorkerId worker, std::string canvas, Mapping mapping, RingBegins begins,
             OpenTraces& shared);
  void OnRecord(std::string_view event);
  void OnStart(const RunId& run, uint64_t begins);
  void Adopt(uint64_t begins);
  void GoOnWith(OpenRun& run, uint64_t begins);
  void Append(OpenTrace& trace, std::string_view event, const EventHead& head);
  void Condemn(std::string_view why);

  const WorkerId worker_;
  const std::string canvas_;
  Mapping mapping_;
  OpenTraces& shared_;
  RingConsumer consumer_;
  uint64_t next_begins_;  // where the next record does
  bool resumed_;
  bool worker_gone_ = false;
  std::map<RunId, OpenRun> open_;
  OpenTrace* current_ = nullptr;  // in open_: whose events the stream is at
  std::deque<EarlyRun> early_;
  std::string condemned_;
};

}  // namespace nightjar
