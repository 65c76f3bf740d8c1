#include "supervisor/writer/service.h"

#include <future>
#include <utility>

#include "ipc/core/bounds.h"
#include "ipc/core/log.h"
#include "ipc/ledger/run_ledger.h"
#include "ipc/proto/usage_sum.h"
#include "supervisor/writer/answers.h"
#include "supervisor/writer/imported_trace.h"
#include "supervisor/writer/trace_reader.h"

namespace nightjar {
namespace {

using Kind = Mailbox::Kind;

constexpr size_t kCatalogPage = 16;  // programs held at once while the catalog is sent

const Error kTooManyReads{ErrorCode::kExhausted, 0,
                          "too many traces are being read: ask again later"};

bool Holds(const std::string& object, const proto::TraceRow& row) {
  auto run = RunId::Parse(row.run_id());
  auto reader = TraceReader::Open(object);
  // What another version wrote is not another run's.
  return !reader || (run && reader->Find(*run) != nullptr);
}

}  // namespace

WriterService::WriterService(Loop& loop, const Clock& clock, Channel supervisor,
                             std::unique_ptr<Archive> archive,
                             std::unique_ptr<OperatorRecords> records)
    : loop_(loop),
      clock_(clock),
      drain_(clock),
      drain_timer_(loop, [this] { OnDrainTimer(); }),
      mailbox_(loop, std::move(supervisor),
               {[this](proto::ToWriter message, std::vector<Fd> fds) {
                  OnMessage(std::move(message), std::move(fds));
                },
                [this] { SendCatalogPage(); }, [this] { OnClosed(); }}),
      archive_(std::move(archive)),
      keeper_(
          archive_->objects(), [this](const auto& call) { return WaitForArchive(call); }, clock),
      records_(std::move(records)),
      reading_thread_("nj-reading", bounds::kTraceReads, {}),
      archive_thread_("nj-archive", bounds::kArchiveTasks, [this] { return ArchiveTick(); }),
      keeper_thread_("nj-keeper", bounds::kKeeperTasks, [this] { return KeeperTick(); }),
      records_thread_("nj-records", bounds::kRecordTasks, {}) {
  (void)keeper_thread_.Add([] {});  // its first round comes behind its first task
}

WriterService::~WriterService() {
  keeper_.Stop();
}

// The archive's thread waits for nobody, so this ends.
bool WriterService::WaitForArchive(const std::function<void(Archive&)>& call) {
  // Shared: this may go on, and return, while the other thread is still in set_value().
  auto done = std::make_shared<std::promise<void>>();
  bool taken = archive_thread_.Add([this, &call, done] {
    call(*archive_);
    done->set_value();
  });
  if (taken) done->get_future().wait();
  return taken;
}

void WriterService::OnMessage(proto::ToWriter message, std::vector<Fd> fds) {
  const uint64_t ticket = message.ticket();
  switch (message.kind_case()) {
    case proto::ToWriter::kAttachRing:
      return OnAttach(message.attach_ring(), fds);
    case proto::ToWriter::kDetachRing:
      return drain_.Detach(message.detach_ring().worker_id());
    case proto::ToWriter::kRunBegan:
      if (Status begun = drain_.Begin(std::move(*message.mutable_run_began())); !begun)
        LogError("message_refused", {{"error", begun.error().ToString()}});
      return StartDraining();
    case proto::ToWriter::kRunEnded:
      return OnEnded(ticket, std::move(*message.mutable_run_ended()));
    case proto::ToWriter::kAttachLedger:
      return OnLedger(std::move(fds));
    case proto::ToWriter::kRunLeft:
      return OnLeft(ticket, std::move(*message.mutable_run_left()));
    case proto::ToWriter::kSaveRevision:
      return OnSave(ticket, std::move(*message.mutable_save_revision()), std::move(fds));
    case proto::ToWriter::kLoadCatalog:
      return OnLoadCatalog(ticket);
    case proto::ToWriter::kImportTrace:
      return OnImport(ticket, std::move(*message.mutable_import_trace()), std::move(fds));
    case proto::ToWriter::kGetTrace:
      return OnGetTrace(ticket, message.get_trace());
    case proto::ToWriter::kGetReplay:
      return OnGetReplay(ticket, message.get_replay());
    case proto::ToWriter::kHoldTrace:
    case proto::ToWriter::kReleaseTrace:
    case proto::ToWriter::kDeleteTrace:
      return AnswerByKeeper(ticket, [message = std::move(message)](Keeper& keeper) {
        return AnswerFrom(keeper, message);
      });
    case proto::ToWriter::kGetObject:
      return OnGetObject(ticket, message.get_object());
    case proto::ToWriter::kStoreFiguresWanted:
      return OnStoreFigures(ticket);
    case proto::ToWriter::kAppendAudit:
    case proto::ToWriter::kListAudit:
    case proto::ToWriter::kVerifyAudit:
    case proto::ToWriter::kControlWork:
    case proto::ToWriter::kSaveRuleHit:
    case proto::ToWriter::kRuleHitsWanted:
      return AnswerByRecords(ticket, std::move(message));
    case proto::ToWriter::kUsageTold:
      uncounted_.clear();
      [[fallthrough]];
    case proto::ToWriter::kCountersTold:
      return Answer(Kind::kNeeded, ticket, [message = std::move(message)](Archive& archive) {
        return AnswerFrom(archive, message);
      });
    case proto::ToWriter::kListTraces:
      if (message.list_traces().all_machines()) return OnListShared(ticket, message.list_traces());
      [[fallthrough]];
    case proto::ToWriter::kFindCode:
    case proto::ToWriter::kLoadRevision:
    case proto::ToWriter::kGetSource:
    case proto::ToWriter::kGetMissed:
    case proto::ToWriter::kListIncidents:
    case proto::ToWriter::kGetIncident:
    case proto::ToWriter::kVerifyIncidents:
    case proto::ToWriter::kListHolds:
    case proto::ToWriter::kListMissed:
    case proto::ToWriter::kRoutesMissed:
    case proto::ToWriter::kUsageWanted:
    case proto::ToWriter::kCountersWanted:
    case proto::ToWriter::kExplainRun:
    case proto::ToWriter::kTimelineWanted:
    case proto::ToWriter::kGetIncidentLink:
    case proto::ToWriter::kGetRevisionSource:
      return Answer(Kind::kDroppable, ticket, [message = std::move(message)](Archive& archive) {
        return AnswerFrom(archive, message);
      });
    case proto::ToWriter::KIND_NOT_SET:
      break;
  }
  Fail(ticket, Error{ErrorCode::kInvalid, 0, "a message that this writer does not know"});
}

void WriterService::OnAttach(const proto::AttachRing& attach, const std::vector<Fd>& fds) {
  RingBegins begins = attach.had_before() ? RingBegins::kAnywhere : RingBegins::kWithARun;
  Status attached =
      fds.size() == 1 ? drain_.Attach(attach.worker_id(), attach.canvas(), fds[0], begins)
                      : Status(nightjar::Fail(ErrorCode::kInvalid, "a ring came without its file"));
  if (!attached)
    LogError("ring_refused", {{"worker", attach.worker_id()},
                              {"canvas", attach.canvas()},
                              {"error", attached.error().ToString()}});
}

void WriterService::OnEnded(uint64_t ticket, proto::RunEnded ended) {
  auto sealed = drain_.End(std::move(ended));
  if (sealed) ended_.Add(sealed->run);
  TellCondemned();
  if (!sealed) return Fail(ticket, sealed.error());
  sealed->ticket = ticket;
  if (auto run = Uncounted(*sealed); run && uncounted_.size() < bounds::kJournalUnstoredRuns)
    uncounted_.push_back(std::move(*run));
  Store(std::move(*sealed));
}

std::optional<WriterService::UncountedRun> WriterService::Uncounted(const SealedRun& run) {
  if (run.row.canvas().empty()) return std::nullopt;  // it had no worker
  constexpr int64_t kHourUs = 3'600'000'000;
  UncountedRun uncounted{run.run, {}};
  uncounted.row.set_canvas(run.row.canvas());
  uncounted.row.set_begins_unix_s(run.row.received_unix_us() / kHourUs * 3600);
  *uncounted.row.mutable_used() = UsageOfRun(run.row.verdict(), run.row.usage());
  return uncounted;
}

// Each as a life of its own, so that it may be told again.
void WriterService::Count(std::vector<UncountedRun> runs) {
  if (runs.empty()) return;
  const size_t count = runs.size();
  bool taken = archive_thread_.Add([this, runs = std::move(runs)] {
    for (const UncountedRun& run : runs) {
      proto::UsageTold told;
      told.set_life(std::string(run.run.bytes()));
      *told.add_rows() = run.row;
      if (Status kept = archive_->usage().Take(told); !kept)
        return LogError("runs_uncounted", {{"error", kept.error().ToString()}});
    }
  });
  if (!taken) LogError("runs_uncounted", {{"runs", count}});
}

void WriterService::OnLedger(std::vector<Fd> fds) {
  if (fds.size() != 1) return LogError("message_refused", {{"error", "a ledger without its file"}});
  ledger_ = std::move(fds[0]);
}

void WriterService::OnLeft(uint64_t ticket, proto::RunLeft left) {
  const bool counted = left.has_ended();  // or lost with the second in which it ended
  auto sealed = drain_.EndLeft(std::move(left));
  if (!sealed) return Fail(ticket, sealed.error());
  sealed->ticket = ticket;
  if (auto run = Uncounted(*sealed); run && !counted) Count({std::move(*run)});
  Store(std::move(*sealed));
}

// What the supervisor did not come to say: runs that began, and how runs ended.
void WriterService::ReadLedger() {
  if (!ledger_.valid()) return;
  auto entries = RunLedger::Read(ledger_);
  if (!entries) return LogError("run_ledger_unread", {{"error", entries.error().ToString()}});
  for (RunLedger::Entry& entry : *entries) {
    proto::RunLeft& left = entry.run;
    auto run = RunId::FromBytes(left.has_began() ? left.began().run_id() : left.ended().run_id());
    if (!run || entry.left || ended_.Has(*run)) continue;
    if (left.has_began()) (void)drain_.Begin(std::move(*left.mutable_began()));
    if (left.has_ended()) known_.emplace(*run, std::move(*left.mutable_ended()));
  }
}

void WriterService::Store(SealedRun run) {
  size_t bytes = run.unsealed ? run.unsealed->memory_bytes() : run.object.size();
  if (archive_bytes_ + bytes > bounds::kArchiveBytes) {
    run.object = {};
    run.unsealed = {};
    run.lost = "the disk is too slow for this many traces";
    bytes = 0;
  }
  archive_bytes_ += bytes;
  StoredRun given_up;
  given_up.ticket = run.ticket;
  given_up.run = run.run;
  given_up.condemned = run.condemned;
  given_up.error = "the disk is too slow for this many runs";
  given_up.mark = run.mark;
  bool taken = archive_thread_.Add([this, bytes, run = std::move(run)]() mutable {
    archive_->Store(std::move(run));
    archive_bytes_ -= bytes;
  });
  if (taken) return;
  archive_bytes_ -= bytes;
  LogError("row_lost", {{"run", given_up.run.ToString()}, {"error", given_up.error}});
  TellStored(given_up);
}

// First the ring: a writer after this one is told of no run that is acknowledged, and must not find
// its events.
void WriterService::TellStored(const StoredRun& run) {
  drain_.Free(run.mark);
  if (run.ticket == 0) return;
  proto::FromWriter answer = Acknowledge(run);
  answer.mutable_trace_stored()->set_budgets_used_up(archive_->index().accounts().used_up());
  mailbox_.Send(Kind::kNeeded, std::move(answer));
}

std::optional<MonoTime> WriterService::ArchiveTick() {
  auto due = archive_->Due();
  if (!due) return std::nullopt;
  if (*due > clock_.Mono()) return due;
  std::vector<StoredRun> stored = archive_->Commit();
  loop_.Post([this, stored = std::move(stored)] {
    for (const StoredRun& run : stored) TellStored(run);
  });
  return std::nullopt;
}

void WriterService::Answer(Mailbox::Kind kind, uint64_t ticket,
                           std::function<Result<proto::FromWriter>(Archive&)> ask) {
  bool taken = archive_thread_.Add([this, kind, ticket, ask = std::move(ask)] {
    auto answer = ask(*archive_);
    if (!answer) answer = ErrorAnswer(ticket, answer.error());
    answer->set_ticket(ticket);
    loop_.Post([this, kind, ticket, encoded = answer->SerializeAsString()] {
      mailbox_.SendEncoded(kind, ticket, encoded);
    });
  });
  if (!taken)
    Fail(ticket, Error{ErrorCode::kExhausted, 0, "the disk is too slow: ask again later"});
}

void WriterService::AnswerByRecords(uint64_t ticket, proto::ToWriter question) {
  bool taken = records_thread_.Add([this, ticket, question = std::move(question)] {
    auto answer = records_->Answer(question);
    if (!answer) answer = ErrorAnswer(ticket, answer.error());
    answer->set_ticket(ticket);
    loop_.Post([this, ticket, encoded = answer->SerializeAsString()] {
      mailbox_.SendEncoded(Kind::kNeeded, ticket, encoded);
    });
  });
  if (!taken)
    Fail(ticket, Error{ErrorCode::kExhausted, 0, "too much is being done: ask again later"});
}

void WriterService::Fail(uint64_t ticket, const Error& error) {
  if (ticket == 0) {
    LogError("message_refused", {{"error", error.ToString()}});
    return;
  }
  mailbox_.Send(Kind::kNeeded, ErrorAnswer(ticket, error));
}

void WriterService::OnSave(uint64_t ticket, proto::SaveRevision save, std::vector<Fd> fds) {
  auto revision = TakeRevision(std::move(save), fds);
  if (!revision) return Fail(ticket, revision.error());
  auto shared = std::make_shared<Catalog::Revision>(std::move(*revision));
  Answer(Kind::kNeeded, ticket,
         [shared](Archive& archive) { return SaveRevision(archive, *shared); });
}

// The answer is that it is stored, or why not, as for a run's end.
void WriterService::OnImport(uint64_t ticket, proto::ImportTrace import, std::vector<Fd> fds) {
  if (fds.size() != 1)
    return Fail(ticket, Error{ErrorCode::kInvalid, 0, "an import came without its events"});
  auto events = std::make_shared<Fd>(std::move(fds[0]));
  bool taken = reading_thread_.Add([this, ticket, events, import = std::move(import)]() mutable {
    auto sealed = SealImported(std::move(import), *events);
    if (sealed) sealed->ticket = ticket;
    auto shared = std::make_shared<Result<SealedRun>>(std::move(sealed));
    loop_.Post([this, ticket, shared] {
      *shared ? Store(std::move(**shared)) : Fail(ticket, shared->error());
    });
  });
  if (!taken) Fail(ticket, kTooManyReads);
}

void WriterService::OnGetTrace(uint64_t ticket, const proto::GetTrace& question) {
  TraceQuestion asked{ticket, question.canvas(), question.run_id(),
                      [this, ticket](const FoundTrace& found, Result<std::string> object) {
                        // Without its object, the row is still an answer.
                        return EncodeTraceAnswer(ticket, found.trace.row,
                                                 object ? *object : std::string(),
                                                 bounds::kTraceAnswerBytes, ReadPatches(found));
                      }};
  asked.with_patches = true;
  asked.elsewhere_too = true;
  AskForTrace(std::move(asked));
}

void WriterService::OnGetReplay(uint64_t ticket, const proto::GetReplay& question) {
  TraceQuestion asked{
      ticket, question.canvas(), question.run_id(),
      [ticket, question](const FoundTrace& found,
                         const Result<std::string>& object) -> Result<std::string> {
        if (question.has_function() && found.patches.size() >= bounds::kPatchesPerTrace)
          return nightjar::Fail(ErrorCode::kInvalid, TooManyPatches());
        return EncodeReplayAnswer(ticket, found.trace.row, object, question);
      }};
  asked.with_patches = question.has_function();
  AskForTrace(std::move(asked));
}

void WriterService::OnGetObject(uint64_t ticket, const proto::GetObject& question) {
  TraceQuestion asked{ticket, question.canvas(), question.run_id(),
                      [ticket, question](const FoundTrace& found,
                                         Result<std::string> object) -> Result<std::string> {
                        if (found.trace.object_key.empty())
                          return nightjar::Fail(ErrorCode::kNotFound, "this run has no trace");
                        NJ_TRY(object);
                        NJ_ASSIGN(proto::FromWriter answer,
                                  ObjectAnswer(ticket, question, std::move(*object)));
                        return answer.SerializeAsString();
                      }};
  asked.url_is_enough = asked.elsewhere_too = asked.may_be_patch = true;
  AskForTrace(std::move(asked));
}

void WriterService::OnStoreFigures(uint64_t ticket) {
  proto::FromWriter answer;
  answer.set_ticket(ticket);
  if (remote_) *answer.mutable_store_figures() = remote_->figures();
  if (shared_) *answer.mutable_store_figures()->mutable_shared_index() = shared_->figures();
  mailbox_.Send(Kind::kDroppable, std::move(answer));
}

void WriterService::OnListShared(uint64_t ticket, const proto::ListTraces& question) {
  if (!shared_)
    return Fail(ticket, Error{ErrorCode::kInvalid, 0,
                              "this machine shares its index with no other: see --index of "
                              "`nightjar serve`"});
  bool taken = shared_->list(question, [this, ticket](Result<proto::TraceList> list) {
    loop_.Post([this, ticket, list = std::move(list)]() mutable {
      if (!list) return Fail(ticket, list.error());
      proto::FromWriter answer;
      answer.set_ticket(ticket);
      *answer.mutable_traces() = std::move(*list);
      mailbox_.SendEncoded(Kind::kDroppable, ticket, answer.SerializeAsString());
    });
  });
  if (!taken) Fail(ticket, kTooManyReads);
}

bool WriterService::AtArchive(std::function<void(Archive&)> task) {
  return archive_thread_.Add([this, task = std::move(task)] { task(*archive_); });
}

void WriterService::AskForTrace(TraceQuestion question) {
  bool taken = archive_thread_.Add([this, question] { FindTrace(question); });
  if (!taken) Fail(question.ticket, kTooManyReads);
}

Result<WriterService::FoundTrace> WriterService::Look(const TraceQuestion& question) {
  auto run = RunId::FromBytes(question.run_id);
  if (!run) return nightjar::Fail(ErrorCode::kInvalid, "not the id of a run");
  FoundTrace found;
  auto trace = archive_->index().Get(question.canvas, *run);
  if (!trace && question.may_be_patch && trace.error().code == ErrorCode::kNotFound)
    trace = archive_->index().GetPatch(question.canvas, *run);
  NJ_ASSIGN(found.trace, std::move(trace));
  NJ_TRY(CheckKept(found.trace.row));
  if (question.with_patches) {
    NJ_ASSIGN(found.patches, archive_->index().PatchesOf(found.trace));
  }
  return found;
}

// On the archive's thread.
void WriterService::FindTrace(const TraceQuestion& question) {
  const uint64_t ticket = question.ticket;
  auto found = Look(question);
  if (!found && shared_ && question.elsewhere_too &&
      (found.error().code == ErrorCode::kNotFound || found.error().code == ErrorCode::kExpired))
    return FindElsewhere(question, found.error());
  if (!found) {
    loop_.Post([this, ticket, error = found.error()] { Fail(ticket, error); });
    return;
  }
  Found(question, std::move(*found));
}

// A run that this machine does not know may be another one's. Its object can be read here when it
// is in a store that all of them have; its patches are its machine's own.
void WriterService::FindElsewhere(const TraceQuestion& question, const Error& here) {
  const uint64_t ticket = question.ticket;
  auto fail = [this, ticket](const Error& error) {
    loop_.Post([this, ticket, error] { Fail(ticket, error); });
  };
  const RunId run = *RunId::FromBytes(question.run_id);  // or it would not be unknown
  bool taken = shared_->get(
      question.canvas, run, [this, question, run, here, fail](Result<IndexedTrace> found) {
        if (!found && found.error().code == ErrorCode::kNotFound) return fail(here);
        if (!found)
          return fail({found.error().code, 0,
                       here.ToString() + ", on this machine; and " + found.error().ToString()});
        if (Status kept = CheckKept(found->row); !kept) return fail(kept.error());
        if (!remote_)
          return fail({ErrorCode::kNotFound, 0,
                       "trace " + run.ToString() + " is on machine " + found->row.machine() +
                           ", which keeps its traces to itself: ask there"});
        Found(question, {std::move(*found), {}});
      });
  if (!taken) fail(kTooManyReads);
}

// On the archive's thread, while nothing is moved from under it; or on the shared index's.
void WriterService::Found(const TraceQuestion& question, FoundTrace found) {
  const uint64_t ticket = question.ticket;
  const std::string& key = found.trace.object_key;
  if (question.url_is_enough && remote_ && !key.empty()) {
    std::string url = remote_->signed_url(key);
    if (!url.empty()) {
      loop_.Post([this, ticket, url = std::move(url)] {
        mailbox_.Send(Kind::kDroppable, ObjectElsewhere(ticket, url));
      });
      return;
    }
  }
  bool reading = reading_thread_.Add(
      [this, question, found = std::move(found)] { ReadTrace(question, found); });
  if (!reading) loop_.Post([this, ticket] { Fail(ticket, kTooManyReads); });
}

// On the reading thread. A trace may expire or be kept between the index's answer and this, and
// what is kept lies where another one was before: then the index is asked again.
void WriterService::ReadTrace(TraceQuestion question, const FoundTrace& found) {
  const uint64_t ticket = question.ticket;
  const std::string& key = found.trace.object_key;
  auto object = archive_->objects().Get(key, bounds::kTraceContainerBytes);
  bool moved = !question.asked_again || question.object_key != key;
  if (moved && !key.empty() && (!object || !Holds(*object, found.trace.row))) {
    question.asked_again = true;
    question.object_key = key;
    return loop_.Post([this, question = std::move(question)] { AskForTrace(question); });
  }
  auto encoded = question.encode(found, std::move(object));
  loop_.Post([this, ticket, encoded = std::move(encoded)] {
    encoded ? mailbox_.SendEncoded(Kind::kDroppable, ticket, *encoded)
            : Fail(ticket, encoded.error());
  });
}

// On the reading thread.
std::vector<PatchObject> WriterService::ReadPatches(const FoundTrace& found) {
  std::vector<PatchObject> patches;
  for (const IndexedTrace& patch : found.patches) {
    auto object = archive_->objects().Get(patch.object_key, bounds::kTraceContainerBytes);
    patches.push_back({patch.row, object ? std::move(*object) : std::string()});
  }
  return patches;
}

void WriterService::AnswerByKeeper(uint64_t ticket,
                                   std::function<Result<proto::FromWriter>(Keeper&)> ask) {
  bool taken = keeper_thread_.Add([this, ticket, ask = std::move(ask)] {
    auto answer = ask(keeper_);
    loop_.Post([this, ticket, answer = std::move(answer)]() mutable {
      if (!answer) return Fail(ticket, answer.error());
      answer->set_ticket(ticket);
      mailbox_.Send(Kind::kDroppable, std::move(*answer));
    });
  });
  if (!taken)
    Fail(ticket,
         Error{ErrorCode::kExhausted, 0, "too much is being held or deleted: ask again later"});
}

std::optional<MonoTime> WriterService::KeeperTick() {
  if (clock_.Mono() < next_round_) return next_round_;
  Status done = keeper_.Round();
  if (!done) LogError("keeper_failed", {{"error", done.error().ToString()}});
  return next_round_ = clock_.Mono() + (done ? bounds::kKeeperPeriod : Nanos(bounds::kKeeperRetry));
}

void WriterService::OnLoadCatalog(uint64_t ticket) {
  walk_.emplace(ticket);
  SendCatalogPage();
}

// The next page is read when the last one has left, so that a slow reader does not make all
// programs pile up here.
void WriterService::SendCatalogPage() {
  if (!walk_ || walk_->page_asked || !mailbox_.empty()) return;
  walk_->page_asked = true;
  bool taken = archive_thread_.Add([this, after = walk_->after, ticket = walk_->ticket] {
    std::vector<Catalog::Entry> page;
    std::string last = after;
    Status status;
    while (page.size() < kCatalogPage) {
      auto next = archive_->catalog().NextAfter(last);
      if (!next) status = tl::unexpected<Error>(next.error());
      if (!next || !*next) break;
      last = (*next)->entry.canvas();
      page.push_back(std::move(**next));
    }
    auto shared = std::make_shared<std::vector<Catalog::Entry>>(std::move(page));
    loop_.Post([this, ticket, shared, status] {
      if (walk_ && walk_->ticket == ticket) OnCatalogPage(std::move(*shared), status);
    });
  });
  if (taken) return;
  Fail(walk_->ticket, Error{ErrorCode::kExhausted, 0, "the disk is too slow: ask again later"});
  walk_.reset();
}

void WriterService::OnCatalogPage(std::vector<Catalog::Entry> page, Status status) {
  for (Catalog::Entry& next : page) {
    auto program = CreateImmutableMemfd("nightjar-program", next.program);
    if (!program) {
      status = tl::unexpected<Error>(program.error());
      break;
    }
    proto::FromWriter message;
    message.set_ticket(walk_->ticket);
    walk_->after = next.entry.canvas();
    ++walk_->canvases;
    *message.mutable_catalog_entry() = std::move(next.entry);
    std::vector<Fd> fds;
    fds.push_back(std::move(*program));
    mailbox_.Send(Kind::kNeeded, std::move(message), std::move(fds));
  }
  walk_->page_asked = false;
  if (status && page.size() == kCatalogPage) return SendCatalogPage();
  proto::FromWriter end = status ? proto::FromWriter() : ErrorAnswer(walk_->ticket, status.error());
  end.set_ticket(walk_->ticket);
  if (status) end.mutable_catalog_end()->set_canvases(walk_->canvases);
  walk_.reset();
  mailbox_.Send(Kind::kNeeded, std::move(end));
}

void WriterService::StartDraining() {
  if (draining_) return;
  draining_ = true;
  drain_timer_.StartAfter(bounds::kDrainPeriod);
}

// The supervisor kills: a worker that breaks its ring's contract is not to be run on.
void WriterService::TellCondemned() {
  for (proto::RingCondemned& condemned : drain_.TakeCondemned()) {
    proto::FromWriter message;
    *message.mutable_ring_condemned() = std::move(condemned);
    mailbox_.Send(Mailbox::Kind::kNeeded, std::move(message));
  }
}

void WriterService::OnDrainTimer() {
  draining_ = false;
  size_t taken = drain_.Turn();
  TellCondemned();
  if (last_drain_ && (taken == 0 || clock_.Mono() >= *last_drain_)) {
    for (SealedRun& run : drain_.EndAll(std::exchange(known_, {}))) {
      if (auto uncounted = Uncounted(run)) uncounted_.push_back(std::move(*uncounted));
      Store(std::move(run));
    }
    Count(std::exchange(uncounted_, {}));
    return loop_.Stop();
  }
  if (!last_drain_ && !drain_.busy()) return;
  draining_ = true;
  drain_timer_.StartAfter(taken >= bounds::kDrainTurnBytes ? Nanos(0) : bounds::kDrainPeriod);
}

// Its workers die with the supervisor, a moment later: until their rings are silent, there may be
// more of their last events.
void WriterService::OnClosed() {
  LogInfo("supervisor_gone");
  ReadLedger();
  last_drain_ = clock_.Mono() + bounds::kLastDrain;
  StartDraining();
}

}  // namespace nightjar
