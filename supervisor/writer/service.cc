#include "supervisor/writer/service.h"

#include <future>
#include <utility>

#include "ipc/core/bounds.h"
#include "ipc/core/log.h"
#include "ipc/ledger/run_ledger.h"
#include "supervisor/writer/answers.h"
#include "supervisor/writer/trace_document.h"
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
                             std::unique_ptr<Archive> archive)
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
      reading_thread_("nj-reading", bounds::kTraceReads, {}),
      archive_thread_("nj-archive", bounds::kArchiveTasks, [this] { return ArchiveTick(); }),
      keeper_thread_("nj-keeper", bounds::kKeeperTasks, [this] { return KeeperTick(); }) {
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
    case proto::ToWriter::kGetTrace:
      return OnGetTrace(ticket, message.get_trace());
    case proto::ToWriter::kGetReplay:
      return OnGetReplay(ticket, message.get_replay());
    case proto::ToWriter::kHoldTrace:
      return AnswerByKeeper(
          ticket, [order = message.hold_trace()](Keeper& keeper) { return keeper.Hold(order); });
    case proto::ToWriter::kReleaseTrace:
      return AnswerByKeeper(ticket, [order = message.release_trace()](Keeper& keeper) {
        return keeper.Release(order);
      });
    case proto::ToWriter::kGetObject:
      return OnGetObject(ticket, message.get_object());
    case proto::ToWriter::kStoreFiguresWanted:
      return OnStoreFigures(ticket);
    case proto::ToWriter::kListTraces:
      if (message.list_traces().all_machines()) return OnListShared(ticket, message.list_traces());
      [[fallthrough]];
    case proto::ToWriter::kLoadRevision:
    case proto::ToWriter::kGetSource:
    case proto::ToWriter::kGetMissed:
    case proto::ToWriter::kListIncidents:
    case proto::ToWriter::kGetIncident:
    case proto::ToWriter::kVerifyIncidents:
    case proto::ToWriter::kListHolds:
    case proto::ToWriter::kListMissed:
    case proto::ToWriter::kRoutesMissed:
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
  Store(std::move(*sealed));
}

void WriterService::OnLedger(std::vector<Fd> fds) {
  if (fds.size() != 1) return LogError("message_refused", {{"error", "a ledger without its file"}});
  ledger_ = std::move(fds[0]);
}

void WriterService::OnLeft(uint64_t ticket, proto::RunLeft left) {
  auto sealed = drain_.EndLeft(std::move(left));
  if (!sealed) return Fail(ticket, sealed.error());
  sealed->ticket = ticket;
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
  size_t bytes = run.object.size();
  if (archive_bytes_ + bytes > bounds::kArchiveBytes) {
    run.object = {};
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
  if (run.ticket != 0) mailbox_.Send(Kind::kNeeded, Acknowledge(run));
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

void WriterService::OnGetTrace(uint64_t ticket, const proto::GetTrace& question) {
  TraceQuestion asked{ticket, question.canvas(), question.run_id(),
                      [ticket](const IndexedTrace& found, Result<std::string> object) {
                        // Without its object, the row is still an answer.
                        return EncodeTraceAnswer(ticket, found.row,
                                                 object ? *object : std::string(),
                                                 bounds::kTraceAnswerBytes);
                      }};
  asked.elsewhere_too = true;
  AskForTrace(std::move(asked));
}

void WriterService::OnGetReplay(uint64_t ticket, const proto::GetReplay& question) {
  AskForTrace({ticket, question.canvas(), question.run_id(),
               [ticket](const IndexedTrace& found, Result<std::string> object) {
                 return EncodeReplayAnswer(ticket, found.row, object);
               }});
}

void WriterService::OnGetObject(uint64_t ticket, const proto::GetObject& question) {
  TraceQuestion asked{ticket, question.canvas(), question.run_id(),
                      [ticket, question](const IndexedTrace& found,
                                         Result<std::string> object) -> Result<std::string> {
                        if (found.object_key.empty())
                          return nightjar::Fail(ErrorCode::kNotFound, "this run has no trace");
                        NJ_TRY(object);
                        NJ_ASSIGN(proto::FromWriter answer,
                                  ObjectAnswer(ticket, question, std::move(*object)));
                        return answer.SerializeAsString();
                      }};
  asked.url_is_enough = asked.elsewhere_too = true;
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

// On the archive's thread.
void WriterService::FindTrace(const TraceQuestion& question) {
  const uint64_t ticket = question.ticket;
  auto run = RunId::FromBytes(question.run_id);
  auto found = run ? archive_->index().Get(question.canvas, *run)
                   : nightjar::Fail(ErrorCode::kInvalid, "not the id of a run");
  if (!found && run && shared_ && question.elsewhere_too &&
      (found.error().code == ErrorCode::kNotFound || found.error().code == ErrorCode::kExpired))
    return FindElsewhere(question, *run, found.error());
  if (!found) {
    loop_.Post([this, ticket, error = found.error()] { Fail(ticket, error); });
    return;
  }
  Found(question, std::move(*found));
}

// A run that this machine does not know may be another one's. Its object can be read here when it
// is in a store that all of them have.
void WriterService::FindElsewhere(const TraceQuestion& question, const RunId& run,
                                  const Error& here) {
  const uint64_t ticket = question.ticket;
  auto fail = [this, ticket](const Error& error) {
    loop_.Post([this, ticket, error] { Fail(ticket, error); });
  };
  bool taken = shared_->get(
      question.canvas, run, [this, question, run, here, fail](Result<IndexedTrace> found) {
        if (!found && found.error().code == ErrorCode::kNotFound) return fail(here);
        if (!found)
          return fail({found.error().code, 0,
                       here.ToString() + ", on this machine; and " + found.error().ToString()});
        if (!remote_)
          return fail({ErrorCode::kNotFound, 0,
                       "trace " + run.ToString() + " is on machine " + found->row.machine() +
                           ", which keeps its traces to itself: ask there"});
        Found(question, std::move(*found));
      });
  if (!taken) fail(kTooManyReads);
}

// On the archive's thread, while nothing is moved from under it; or on the shared index's.
void WriterService::Found(const TraceQuestion& question, IndexedTrace found) {
  const uint64_t ticket = question.ticket;
  if (question.url_is_enough && remote_ && !found.object_key.empty()) {
    std::string url = remote_->signed_url(found.object_key);
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
void WriterService::ReadTrace(TraceQuestion question, const IndexedTrace& found) {
  const uint64_t ticket = question.ticket;
  auto object = archive_->objects().Get(found.object_key, bounds::kTraceContainerBytes);
  bool moved = !question.asked_again || question.object_key != found.object_key;
  if (moved && !found.object_key.empty() && (!object || !Holds(*object, found.row))) {
    question.asked_again = true;
    question.object_key = found.object_key;
    return loop_.Post([this, question = std::move(question)] { AskForTrace(question); });
  }
  auto encoded = question.encode(found, std::move(object));
  loop_.Post([this, ticket, encoded = std::move(encoded)] {
    encoded ? mailbox_.SendEncoded(Kind::kDroppable, ticket, *encoded)
            : Fail(ticket, encoded.error());
  });
}

void WriterService::AnswerByKeeper(uint64_t ticket,
                                   std::function<Result<proto::Hold>(Keeper&)> ask) {
  bool taken = keeper_thread_.Add([this, ticket, ask = std::move(ask)] {
    auto hold = ask(keeper_);
    loop_.Post([this, ticket, hold = std::move(hold)]() mutable {
      if (!hold) return Fail(ticket, hold.error());
      proto::FromWriter answer;
      answer.set_ticket(ticket);
      *answer.mutable_hold() = std::move(*hold);
      mailbox_.Send(Kind::kDroppable, std::move(answer));
    });
  });
  if (!taken)
    Fail(ticket, Error{ErrorCode::kExhausted, 0, "too much is being held: ask again later"});
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
    for (SealedRun& run : drain_.EndAll(std::exchange(known_, {}))) Store(std::move(run));
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
