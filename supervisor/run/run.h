// One execution of one handler, from "admitted" to its verdict.
//
// States: queued -> running -> (answered | killing) -> ended. An answer ends the run at once and
// the worker goes back to the pool; a kill ends it when the worker is proven gone. Exactly one
// verdict, exactly one result, exactly one RunEnded in the journal, in every order of events. Owned
// by RunService; loop thread only.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ipc/core/ids.h"
#include "ipc/redact/text_mask.h"
#include "policies/limits.h"
#include "supervisor/journal/journal.h"
#include "supervisor/pool/worker_pool.h"
#include "supervisor/run/trace_rules.h"
#include "supervisor/watch/incident.h"
#include "supervisor/watch/process_looker.h"
#include "supervisor/watch/verdict.h"
#include "supervisor/watch/watchdog.h"

namespace nightjar {

struct RunResult {
  RunId id;
  proto::Verdict verdict = proto::VERDICT_UNSPECIFIED;
  proto::RefusalKind refusal = proto::REFUSAL_UNSPECIFIED;  // of VERDICT_REFUSED
  std::string detail;
  unsigned status = 500;
  std::vector<proto::Header> headers;
  std::string body;
  bool had_worker = false;
  bool request_refused = false;  // the handler did not run: the answer is about the request
  proto::Usage usage;
  uint32_t calls_answered = 0;  // as of proto::Finished
  uint32_t calls_live = 0;
  std::optional<Nanos> overshoot;  // of a limit with an instant: see KillCause
  bool by_guard = false;
};

struct RunOrder {
  RunId id;
  RevisionPtr revision;
  proto::HandlerEntry handler;
  policy::Limits limits;  // of this handler
  proto::Run message;     // input filled in; id, tlid and limits are filled in here
  std::string body;       // the request's body, or what is to be done again; inline or not
  std::string caller;
  std::string request_line;   // redacted
  std::string redaction_key;  // as RedactionOf() takes it
  std::string paused_by;      // why it has to wait before it may have a worker; empty: it need not
  std::string rerun_of;       // the id of the run that is done again, of which `body` is the replay
  std::optional<proto::PatchOf> patch;  // instead: of which a function is run alone
  WantedBy wanted_by = WantedBy::kClient;
  WallTime received_wall;
  MonoTime received;
  uint64_t request_bytes = 0;           // of the body that a caller sent; RunService fills it in
  std::function<void(RunResult)> done;  // once, from the loop
};

class Run final : public WorkerUser {
 public:
  struct Needs {
    Loop& loop;
    const Clock& clock;
    WorkerPool& pool;
    Journal& journal;
    ProcessLooker& looker;
    DeadlineGuard* guard;             // null: none
    std::function<void(Run*)> ended;  // the last call; the run may be destroyed in a later turn
  };

  Run(Needs needs, RunOrder order);
  ~Run() override;

  // Asks for a worker.
  void Start();
  // Ends it for a reason from outside: an operator, a stop. No effect once it is being killed or
  // has ended.
  void Kill(KillCause cause);
  // What it waited for is over: asks for a worker. No effect on a run that was not paused.
  void Resume();

  // Other limits are in force, `now` for this run: takes over what it says is urgent,
  // and ends the run where that is reached already. Returns the names of what it took over.
  std::vector<std::string> Tighten(const policy::Limits& now);

  enum class State { kQueued, kRunning, kKilling, kEnded };
  State state() const { return state_; }
  const RunOrder& order() const { return order_; }
  int pid() const { return worker_ != nullptr ? worker_->pid() : 0; }
  // Now, for `ps` and `top`.
  proto::Usage CurrentUsage() const;

  void OnMessage(proto::FromWorker message, std::vector<Fd> fds) override;
  void OnBroken(const std::string& why) override;
  void OnDenied(const DeniedCall& call) override;
  void OnGone(const Death& death) override;

 private:
  void Lend();
  void OnLent(Result<Worker*> worker);
  Status SendRun();
  void HideFromLook(const proto::Run& run);
  void OnFinished(proto::Finished finished, std::vector<Fd> fds);
  void OnTooMuchOutput(uint64_t bytes);
  void OnLimitHit(const proto::LimitHit& hit);
  void OnDied(const proto::Died& died);
  void NoteTrace();
  void LookBeforeSoftStop();
  void KillWorker(Reaper::Sample sample);
  RunSeen SeenUntil(const Death& death, const CellUsage& used);
  void Refuse(proto::RefusalKind kind, const std::string& limit, const std::string& detail);
  void EndWithoutWorker(VerdictAndDetail verdict);
  void End(VerdictAndDetail verdict, proto::Usage usage, const Death* death,
           const RunSeen* seen = nullptr);
  proto::RunEnded EndedMessage(const VerdictAndDetail& verdict, const Death* death,
                               const RunSeen* seen) const;

  Needs needs_;
  RunOrder order_;
  State state_ = State::kQueued;
  std::shared_ptr<WorkerPool::Ticket> ticket_;
  Worker* worker_ = nullptr;  // the factory's, lent by the pool
  WorkerId worker_id_ = 0;    // stays when the worker is gone; 0: there never was one
  std::optional<Watchdog> watchdog_;
  Timer queue_patience_;
  MonoTime started_{};
  CellUsage at_start_;  // of a reused worker's cell, whose counters go on
  std::optional<KillCause> cause_;
  std::shared_ptr<ProcessLooker::Ticket> look_;  // under way; the kill of a program waits for it
  Timer before_soft_stop_;                       // for a program's look
  std::optional<ProcessLook> processes_;  // what was seen, before the soft stop or before the kill
  TextMask hidden_;                       // what of a program's request it must not show of them
  std::optional<WaitStatus>
      program_end_;  // of an exec handler's program, which its worker outlived
  RunResult result_;
  proto::Finished finished_;  // counters of the trace, as the worker said
};

}  // namespace nightjar
