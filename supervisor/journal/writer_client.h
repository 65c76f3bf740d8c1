// The Journal that talks to nightjar-writer over a control channel, and survives its death.
//
// What a writer must know to go on is state here, not messages in flight: rings, runs that began,
// ends that were not acknowledged. A new connection is told all of it again, so a dead writer loses
// nothing that its rings still hold. The same is in a ledger (ipc/ledger) for the day that the
// supervisor is killed too: what one before this had left there is handed to the first writer. Loop
// thread only.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <unordered_map>

#include "ipc/ledger/run_ledger.h"
#include "ipc/wire/channel.h"
#include "supervisor/journal/journal.h"
#include "supervisor/loop/loop.h"

namespace nightjar {

class WriterClient final : public Journal {
 public:
  // `condemned`: the writer found that a worker broke the contract of its ring, and why.
  using Condemned = std::function<void(WorkerId, const std::string& why)>;
  // `ledger` outlives this. Null: there is none.
  WriterClient(Loop& loop, const Clock& clock, Condemned condemned, RunLedger* ledger = nullptr);
  ~WriterClient() override;

  // For whoever looks on: a run ended; its trace is stored and listed, where policy has it kept.
  // Before the first run.
  struct Heard {
    std::function<void(const proto::RunEnded&)> ended;
    std::function<void(const proto::RunBegan&, const proto::RunEnded&, uint64_t bytes)> stored;
  };
  void Tell(Heard heard) { heard_ = std::move(heard); }

  // A writer was started; tells it everything that is open.
  void Connect(Channel channel);
  // Its process ended, or its socket did. Questions under way fail.
  void Disconnect();
  // Fails questions that nobody answered in time. Call every second or so.
  void Sweep(MonoTime now);
  bool connected() const { return channel_.has_value(); }
  // True when every end was acknowledged: nothing would be lost by stopping now.
  bool settled() const { return runs_.empty() && outbox_.empty(); }

  void AttachRing(WorkerId worker, const std::string& canvas, const Fd& ring) override;
  void DetachRing(WorkerId worker) override;
  void RunBegan(proto::RunBegan began) override;
  void RunEnded(proto::RunEnded ended) override;
  void SaveRevision(proto::SaveRevision revision, const Fd& program, const Fd& source,
                    std::function<void(Status)> done) override;
  void LoadCatalog(std::function<void(Result<std::vector<CatalogItem>>)> done) override;
  void ImportTrace(proto::ImportTrace import, const Fd& events,
                   std::function<void(Result<proto::FromWriter>)> answered) override;
  void Ask(proto::ToWriter question,
           std::function<void(Result<proto::FromWriter>)> answered) override;
  uint64_t traces_lost() const override { return traces_lost_; }

  // What became of the traces that the writer was told of. Since the supervisor's start.
  struct Stored {
    uint64_t kept = 0;
    uint64_t not_in_sample = 0;
    uint64_t beyond_bytes = 0;
    uint64_t events_not_kept = 0;  // of those that were kept
  };
  const Stored& stored() const { return stored_; }
  // Canvases that have used up a trace budget of today, as the writer told it last. nullopt: it has
  // told nothing yet.
  std::optional<uint64_t> BudgetsUsedUp() const;

 private:
  struct Ring {
    Fd fd;
    std::string canvas;
    size_t unstored_runs = 0;
    bool worker_gone = false;
    bool had_before = false;  // by a writer; or a run on it was given up
  };
  struct OpenRun {
    WorkerId worker = 0;
    std::optional<proto::RunBegan> began;
    std::optional<proto::RunEnded> ended;
    std::optional<proto::RunLeft> left;  // instead of both: a run of a supervisor before this
    RunLedger::Slot slot = RunLedger::kNone;
    uint64_t began_order = 0;
    uint64_t ended_order = 0;
  };
  struct Outgoing {
    proto::ToWriter message;
    std::vector<Fd> fds;
  };
  struct CatalogQuestion {
    std::vector<CatalogItem> items;
    std::function<void(Result<std::vector<CatalogItem>>)> done;
  };

  void AskWith(proto::ToWriter question, std::vector<int> fds,
               std::function<void(Result<proto::FromWriter>)> answered);
  void Send(proto::ToWriter message, std::vector<int> fds);
  void OnUnsendable(const proto::ToWriter& message, const Error& error);
  void Flush();
  void OnEvents(unsigned events);
  void OnPacket(Packet packet);
  void Count(const RunId& run, const proto::TraceStored& stored);
  void TellStored(const RunId& run, uint64_t bytes) const;
  void OnStored(const RunId& run);
  void SendRing(WorkerId worker, Ring& ring);
  void SendBegan(const OpenRun& run);
  void SendEnded(const OpenRun& run);
  void TakeLeft();
  void DropRingIfDone(WorkerId worker);
  void GiveUpOldest();

  Loop& loop_;
  const Clock& clock_;
  Condemned condemned_;
  Heard heard_;
  RunLedger* const ledger_;
  std::optional<Channel> channel_;
  std::unique_ptr<FdWatch> watch_;
  std::deque<Outgoing> outbox_;
  uint64_t next_ticket_ = 1;
  uint64_t next_order_ = 1;
  std::map<WorkerId, Ring> rings_;
  std::unordered_map<RunId, OpenRun> runs_;
  std::map<uint64_t, RunId> ended_;  // by order of ending: the oldest is given up first
  struct Question {
    std::function<void(Result<proto::FromWriter>)> answered;
    MonoTime asked{};
  };
  std::unordered_map<uint64_t, Question> questions_;
  std::unordered_map<uint64_t, CatalogQuestion> catalog_questions_;
  size_t rings_kept_ = 0;  // of workers that are gone
  Stored stored_;
  std::optional<uint64_t> budgets_used_up_;
  WallTime budgets_told_{};
  uint64_t traces_lost_ = 0;
  uint64_t traces_lost_logged_ = 0;
  uint64_t not_in_ledger_ = 0;  // runs, since that was logged last
};

}  // namespace nightjar
