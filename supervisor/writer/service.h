// What the storage writer does, message by message.
//
// Five threads: the loop talks to the supervisor and drains rings; the archive's thread owns
// everything on the disk, so that a slow disk never holds up a ring; the reading thread puts traces
// together; the keeper's lets traces go or keeps them; that of the records writes what operators
// do. When the supervisor goes away, every open run is sealed and stored, and the loop stops. Loop
// thread only.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "ipc/core/clock.h"
#include "supervisor/loop/loop.h"
#include "supervisor/loop/task_thread.h"
#include "supervisor/writer/archive.h"
#include "supervisor/writer/drain.h"
#include "supervisor/writer/keeper.h"
#include "supervisor/writer/mailbox.h"
#include "supervisor/writer/operator_records.h"
#include "supervisor/writer/recent_runs.h"
#include "supervisor/writer/trace_document.h"

namespace nightjar {

class WriterService {
 public:
  // `loop` and `clock` outlive the service.
  WriterService(Loop& loop, const Clock& clock, Channel supervisor,
                std::unique_ptr<Archive> archive, std::unique_ptr<OperatorRecords> records);
  // Stores what was handed to the archive before it returns.
  ~WriterService();

  // Where traces go that do not stay on this machine. Before the loop runs.
  struct Remote {
    std::function<proto::StoreFigures()> figures;
    // Where anybody may GET this object for a while; empty: it is still here. Blocks; any thread.
    std::function<std::string(const std::string& key)> signed_url;
  };
  void SetRemote(Remote remote) { remote_ = std::move(remote); }
  // The index that machines share; `done` is called on any thread. False: too many wait. Before the
  // loop runs.
  struct Shared {
    std::function<proto::SharedIndexFigures()> figures;
    std::function<bool(proto::ListTraces, std::function<void(Result<proto::TraceList>)>)> list;
    std::function<bool(std::string canvas, RunId, std::function<void(Result<IndexedTrace>)>)> get;
  };
  void SetShared(Shared shared) { shared_ = std::move(shared); }
  // Runs the call on the archive's thread and waits for its end. False: it will not run. Any thread
  // but that and the loop's.
  bool WaitForArchive(const std::function<void(Archive&)>& call);
  // Runs `task` on the archive's thread. False: it will not, as too many wait. Any thread.
  bool AtArchive(std::function<void(Archive&)> task);

 private:
  void OnMessage(proto::ToWriter message, std::vector<Fd> fds);
  void OnClosed();

  void OnAttach(const proto::AttachRing& attach, const std::vector<Fd>& fds);
  void OnEnded(uint64_t ticket, proto::RunEnded ended);
  void OnLedger(std::vector<Fd> fds);
  void OnLeft(uint64_t ticket, proto::RunLeft left);
  void ReadLedger();
  // Runs that the supervisor had no time to count: those that ended since it told what canvases
  // have used, and those that it did not end.
  struct UncountedRun {
    RunId run;
    proto::UsageRow row;
  };
  static std::optional<UncountedRun> Uncounted(const SealedRun& run);
  void Count(std::vector<UncountedRun> runs);
  void OnSave(uint64_t ticket, proto::SaveRevision save, std::vector<Fd> fds);
  void OnLoadCatalog(uint64_t ticket);
  void OnImport(uint64_t ticket, proto::ImportTrace import, std::vector<Fd> fds);
  void OnGetTrace(uint64_t ticket, const proto::GetTrace& question);
  void OnGetReplay(uint64_t ticket, const proto::GetReplay& question);
  void OnGetObject(uint64_t ticket, const proto::GetObject& question);
  void OnStoreFigures(uint64_t ticket);
  struct FoundTrace {
    IndexedTrace trace;
    std::vector<IndexedTrace> patches;  // where they are wanted
  };
  void OnListShared(uint64_t ticket, const proto::ListTraces& question);
  // A trace that somebody wants to read, and where the index has said that it is.
  struct TraceQuestion {
    uint64_t ticket = 0;
    std::string canvas;
    std::string run_id;  // its bytes
    // Makes an encoded FromWriter of the row and its object, on the reading thread.
    std::function<Result<std::string>(const FoundTrace& found, Result<std::string> object)> encode;
    std::string object_key = {};
    bool asked_again = false;
    bool url_is_enough = false;  // where the object may be had is an answer
    bool with_patches = false;
    bool may_be_patch = false;   // a patch's id finds it, and not only its base's
    bool elsewhere_too = false;  // of a run of another machine as well
  };
  void AskForTrace(TraceQuestion question);
  void FindTrace(const TraceQuestion& question);
  Result<FoundTrace> Look(const TraceQuestion& question);
  void FindElsewhere(const TraceQuestion& question, const Error& here);
  void Found(const TraceQuestion& question, FoundTrace found);
  void ReadTrace(TraceQuestion question, const FoundTrace& found);
  std::vector<PatchObject> ReadPatches(const FoundTrace& found);
  // Runs on the keeper's thread and sends what it returns.
  void AnswerByKeeper(uint64_t ticket, std::function<Result<proto::FromWriter>(Keeper&)> ask);
  void SendCatalogPage();
  void OnCatalogPage(std::vector<Catalog::Entry> page, Status status);

  void OnDrainTimer();
  void StartDraining();
  void TellCondemned();
  void Store(SealedRun run);
  void TellStored(const StoredRun& run);
  std::optional<MonoTime> ArchiveTick();
  std::optional<MonoTime> KeeperTick();

  // Runs `ask` on the archive's thread and sends what it returns.
  void Answer(Mailbox::Kind kind, uint64_t ticket,
              std::function<Result<proto::FromWriter>(Archive&)> ask);
  void AnswerByRecords(uint64_t ticket, proto::ToWriter question);
  void Fail(uint64_t ticket, const Error& error);

  // A LoadCatalog that is being answered. One at a time: a new one replaces it.
  struct CatalogWalk {
    explicit CatalogWalk(uint64_t asked) : ticket(asked) {}
    uint64_t ticket;
    std::string after;
    uint32_t canvases = 0;
    bool page_asked = false;
  };

  Loop& loop_;
  const Clock& clock_;
  Drain drain_;
  std::optional<Remote> remote_;
  std::optional<Shared> shared_;
  Fd ledger_;  // of the supervisor; not valid: it has none
  // What it holds when the supervisor is gone and this was not told of, ends of open runs above
  // all.
  std::map<RunId, proto::RunEnded> known_;
  std::vector<UncountedRun> uncounted_;  // since it told the last time
  RecentRuns ended_;                     // here, and perhaps still in the ledger
  Timer drain_timer_;
  bool draining_ = false;
  std::optional<MonoTime>
      last_drain_;  // set: the supervisor is gone, and this is when waiting for its workers ends
  Mailbox mailbox_;
  std::optional<CatalogWalk> walk_;
  std::atomic<size_t> archive_bytes_{0};  // of objects on their way to the disk
  // The archive thread's, but for its objects, and for what its accounts have for any thread.
  std::unique_ptr<Archive> archive_;
  Keeper keeper_;  // the keeper thread's, like the next
  MonoTime next_round_{};
  std::unique_ptr<OperatorRecords> records_;  // the records thread's
  // After everything that their tasks use. The archive's thread hands tasks to the reading thread,
  // and the keeper's waits for the archive's, so the last one goes first.
  TaskThread reading_thread_;
  TaskThread archive_thread_;
  TaskThread keeper_thread_;
  TaskThread records_thread_;
};

}  // namespace nightjar
