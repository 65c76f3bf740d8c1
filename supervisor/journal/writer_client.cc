#include "supervisor/journal/writer_client.h"

#include <fcntl.h>

#include <cerrno>
#include <utility>

#include "ipc/core/bounds.h"
#include "ipc/core/check.h"
#include "ipc/core/log.h"

namespace nightjar {
namespace {

std::vector<int> Borrow(const std::vector<Fd>& fds) {
  std::vector<int> numbers;
  for (const Fd& fd : fds) numbers.push_back(fd.get());
  return numbers;
}

Error ErrorOf(const proto::FromWriter& answer) {
  switch (answer.error_kind()) {
    case proto::ERROR_KIND_NOT_FOUND:
      return {ErrorCode::kNotFound, 0, answer.error()};
    case proto::ERROR_KIND_INVALID:
      return {ErrorCode::kInvalid, 0, answer.error()};
    case proto::ERROR_KIND_EXPIRED:
      return {ErrorCode::kExpired, 0, answer.error()};
    case proto::ERROR_KIND_DELETED:
      return {ErrorCode::kDeleted, 0, answer.error()};
    case proto::ERROR_KIND_EXISTS:
      return {ErrorCode::kExists, 0, answer.error()};
    case proto::ERROR_KIND_NOT_KEPT:
      return {ErrorCode::kNotKept, 0, answer.error()};
    default:
      return {ErrorCode::kUnavailable, 0, answer.error()};
  }
}

bool IsKept(const proto::TraceStored& stored) {
  return stored.not_kept() == proto::NOT_KEPT_NOTHING ||
         stored.not_kept() == proto::NOT_KEPT_EVENTS;
}

const Error kAway{ErrorCode::kUnavailable, 0, "the storage writer is away; try again in a moment"};

}  // namespace

WriterClient::WriterClient(Loop& loop, const Clock& clock, Condemned condemned, RunLedger* ledger)
    : loop_(loop), clock_(clock), condemned_(std::move(condemned)), ledger_(ledger) {
  if (ledger_ != nullptr) TakeLeft();
}
WriterClient::~WriterClient() = default;

void WriterClient::TakeLeft() {
  auto entries = RunLedger::Read(ledger_->reader());
  if (!entries) return LogError("run_ledger_unread", {{"error", entries.error().ToString()}});
  for (RunLedger::Entry& entry : *entries) {
    const proto::RunLeft& left = entry.run;
    auto id = RunId::FromBytes(left.has_began() ? left.began().run_id() : left.ended().run_id());
    if (!id) {
      ledger_->Free(entry.slot);
      continue;
    }
    OpenRun& run = runs_[*id];
    run.slot = entry.slot;
    run.left = std::move(entry.run);
    run.ended_order = next_order_++;
    ended_.emplace(run.ended_order, *id);
  }
  if (!runs_.empty()) LogWarning("runs_left", {{"runs", runs_.size()}});
}

void WriterClient::Connect(Channel channel) {
  channel_.emplace(std::move(channel));
  outbox_.clear();
  watch_ = std::make_unique<FdWatch>(loop_, channel_->fd(), [this](unsigned e) { OnEvents(e); });
  watch_->Start(FdWatch::kReadable);
  if (ledger_ != nullptr) {
    proto::ToWriter message;
    message.mutable_attach_ledger();
    Send(std::move(message), {ledger_->reader().get()});
  }
  for (auto& [worker, ring] : rings_) SendRing(worker, ring);
  // In the order of their beginning: the runs of one worker follow each other on its ring, and a
  // writer that hears of a later one first must take the earlier one's events for a lie.
  std::map<uint64_t, const OpenRun*> begun;
  for (const auto& [id, run] : runs_)
    if (run.began) begun.emplace(run.began_order, &run);
  for (const auto& [order, run] : begun) SendBegan(*run);
  for (const auto& [order, id] : ended_) SendEnded(runs_.at(id));
  // Only now: a ring must not be taken away before its runs were told.
  for (const auto& [worker, ring] : rings_) {
    if (!ring.worker_gone) continue;
    proto::ToWriter message;
    message.mutable_detach_ring()->set_worker_id(worker);
    Send(std::move(message), {});
  }
}

void WriterClient::Sweep(MonoTime now) {
  if (traces_lost_ > traces_lost_logged_) {
    LogError("traces_given_up",
             {{"now", traces_lost_ - traces_lost_logged_}, {"in_all", traces_lost_}});
    traces_lost_logged_ = traces_lost_;
  }
  if (uint64_t runs = std::exchange(not_in_ledger_, 0); runs > 0)
    LogError("runs_not_in_ledger", {{"now", runs}});
  std::vector<std::function<void(Result<proto::FromWriter>)>> late;
  for (auto at = questions_.begin(); at != questions_.end();) {
    bool due = now - at->second.asked > bounds::kJournalQuestionTime;
    if (due) late.push_back(std::move(at->second.answered));
    at = due ? questions_.erase(at) : std::next(at);
  }
  for (auto& answered : late)
    answered(Fail(ErrorCode::kTimedOut, "the storage writer did not answer in time"));
}

void WriterClient::Disconnect() {
  watch_.reset();
  channel_.reset();
  outbox_.clear();
  auto questions = std::move(questions_);
  auto catalog = std::move(catalog_questions_);
  questions_.clear();
  catalog_questions_.clear();
  for (auto& [ticket, question] : questions) question.answered(tl::unexpected<Error>(kAway));
  for (auto& [ticket, question] : catalog) question.done(tl::unexpected<Error>(kAway));
}

void WriterClient::Send(proto::ToWriter message, std::vector<int> fds) {
  if (!channel_) return;  // everything that matters is state, and is told on Connect()
  if (outbox_.empty()) {
    Status sent = channel_->Send(message, fds);
    if (sent) return;
    if (sent.error().sys != EAGAIN) return OnUnsendable(message, sent.error());
  }
  Outgoing waiting{std::move(message), {}};
  for (int fd : fds) {
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (copy < 0) {
      LogError("journal_descriptor_lost", {{"error", FailErrno("dup").value().ToString()}});
      return;
    }
    waiting.fds.emplace_back(copy);
  }
  outbox_.push_back(std::move(waiting));
  if (outbox_.size() > bounds::kJournalOutbox) {
    // A writer that reads nothing for this long is as good as dead; its successor is told
    // everything.
    LogError("writer_stuck", {{"outbox", outbox_.size()}});
    Disconnect();
    return;
  }
  watch_->Start(FdWatch::kReadable | FdWatch::kWritable);
}

// Too large for a frame (our own bounds forbid it), or the socket is broken (its hangup follows as
// an event): whoever waits is told.
void WriterClient::OnUnsendable(const proto::ToWriter& message, const Error& error) {
  LogWarning("journal_unsendable", {{"error", error.ToString()}});
  auto question = questions_.find(message.ticket());
  if (question == questions_.end()) return;
  auto answered = std::move(question->second.answered);
  questions_.erase(question);
  answered(tl::unexpected<Error>(error));
}

void WriterClient::Flush() {
  while (channel_ && !outbox_.empty()) {
    Status sent = channel_->Send(outbox_.front().message, Borrow(outbox_.front().fds));
    if (!sent && sent.error().sys == EAGAIN) return;
    Outgoing gone = std::move(outbox_.front());
    outbox_.pop_front();
    if (!sent) OnUnsendable(gone.message, sent.error());
  }
  if (watch_) watch_->Start(FdWatch::kReadable);
}

void WriterClient::OnEvents(unsigned events) {
  if (events & FdWatch::kWritable) Flush();
  while (channel_) {
    auto packet = channel_->Receive();
    if (!packet) {
      LogWarning("writer_disconnected", {{"error", packet.error().ToString()}});
      return Disconnect();
    }
    if (!*packet) return;
    OnPacket(std::move(**packet));
  }
}

void WriterClient::OnPacket(Packet packet) {
  auto parsed = packet.Parse<proto::FromWriter>();
  if (!parsed) return Disconnect();
  proto::FromWriter answer = std::move(*parsed);
  if (answer.memfd_bytes() > 0) {
    if (packet.fds.empty()) return Disconnect();
    uint64_t ticket = answer.ticket();
    auto content = ReadForeignMemfd(packet.fds[0], bounds::kTraceAnswerBytes);
    if (!content || !answer.ParseFromString(*content)) {
      answer.Clear();
      answer.set_error("the storage writer's answer was too large or damaged");
      answer.set_error_kind(proto::ERROR_KIND_STORAGE);
    }
    answer.set_ticket(ticket);
  }
  // Of an import, it is the answer to a question.
  if (answer.kind_case() == proto::FromWriter::kTraceStored &&
      !questions_.contains(answer.ticket())) {
    auto run = RunId::FromBytes(answer.trace_stored().run_id());
    if (!run) return;
    const proto::TraceStored& stored = answer.trace_stored();
    budgets_used_up_ = stored.budgets_used_up();
    budgets_told_ = clock_.Wall();
    if (answer.error().empty()) Count(*run, stored);
    if (answer.error().empty() && IsKept(stored)) TellStored(*run, stored.bytes());
    return OnStored(*run);
  }
  if (answer.kind_case() == proto::FromWriter::kRingCondemned)
    return condemned_(answer.ring_condemned().worker_id(), answer.ring_condemned().why());
  if (auto catalog = catalog_questions_.find(answer.ticket());
      catalog != catalog_questions_.end()) {
    if (answer.kind_case() == proto::FromWriter::kCatalogEntry && !packet.fds.empty()) {
      catalog->second.items.push_back(
          {std::move(*answer.mutable_catalog_entry()), std::move(packet.fds[0])});
      return;
    }
    CatalogQuestion question = std::move(catalog->second);
    catalog_questions_.erase(catalog);
    if (answer.kind_case() == proto::FromWriter::kCatalogEnd)
      question.done(std::move(question.items));
    else
      question.done(tl::unexpected<Error>(ErrorOf(answer)));
    return;
  }
  auto question = questions_.find(answer.ticket());
  if (question == questions_.end()) return;
  auto answered = std::move(question->second.answered);
  questions_.erase(question);
  if (!answer.error().empty())
    answered(tl::unexpected<Error>(ErrorOf(answer)));
  else
    answered(std::move(answer));
}

void WriterClient::AttachRing(WorkerId worker, const std::string& canvas, const Fd& ring) {
  auto copy = ring.Duplicate();
  if (!copy) {
    LogError("journal_descriptor_lost", {{"error", copy.error().ToString()}});
    return;
  }
  auto [at, fresh] = rings_.emplace(worker, Ring{std::move(*copy), canvas});
  CHECK(fresh);
  SendRing(worker, at->second);
}

void WriterClient::SendRing(WorkerId worker, Ring& ring) {
  proto::ToWriter message;
  message.mutable_attach_ring()->set_worker_id(worker);
  message.mutable_attach_ring()->set_canvas(ring.canvas);
  message.mutable_attach_ring()->set_had_before(ring.had_before);
  if (channel_) ring.had_before = true;
  Send(std::move(message), {ring.fd.get()});
}

void WriterClient::DetachRing(WorkerId worker) {
  auto ring = rings_.find(worker);
  if (ring == rings_.end()) return;
  ring->second.worker_gone = true;
  ++rings_kept_;
  proto::ToWriter message;
  message.mutable_detach_ring()->set_worker_id(worker);
  Send(std::move(message), {});
  DropRingIfDone(worker);
  if (rings_kept_ > bounds::kJournalKeptRings && !ended_.empty()) GiveUpOldest();
}

void WriterClient::DropRingIfDone(WorkerId worker) {
  auto ring = rings_.find(worker);
  if (ring == rings_.end()) return;
  if (!ring->second.worker_gone || ring->second.unstored_runs > 0) return;
  rings_.erase(ring);
  --rings_kept_;
}

void WriterClient::RunBegan(proto::RunBegan began) {
  auto id = RunId::FromBytes(began.run_id());
  CHECK(id.has_value());
  OpenRun& run = runs_[*id];
  run.worker = began.worker_id();
  if (auto ring = rings_.find(run.worker); ring != rings_.end()) ++ring->second.unstored_runs;
  run.began = std::move(began);
  run.began_order = next_order_++;
  if (ledger_ != nullptr) {
    // Without what is only for its events, which are lost with the ring.
    proto::RunBegan kept = *run.began;
    kept.clear_trace_index();
    kept.clear_trace_rules();
    run.slot = ledger_->Begin(kept);
    not_in_ledger_ += run.slot == RunLedger::kNone;
  }
  SendBegan(run);
}

void WriterClient::SendBegan(const OpenRun& run) {
  proto::ToWriter message;
  *message.mutable_run_began() = *run.began;
  Send(std::move(message), {});
}

void WriterClient::RunEnded(proto::RunEnded ended) {
  auto id = RunId::FromBytes(ended.run_id());
  CHECK(id.has_value());
  OpenRun& run = runs_[*id];
  CHECK(!run.ended);
  if (heard_.ended) heard_.ended(ended);
  run.ended = std::move(ended);
  if (ledger_ != nullptr) run.slot = ledger_->End(run.slot, *run.ended);
  run.ended_order = next_order_++;
  ended_.emplace(run.ended_order, *id);
  SendEnded(run);
  if (ended_.size() > bounds::kJournalUnstoredRuns) GiveUpOldest();
}

void WriterClient::SendEnded(const OpenRun& run) {
  proto::ToWriter message;
  message.set_ticket(next_ticket_++);
  if (run.left)
    *message.mutable_run_left() = *run.left;
  else
    *message.mutable_run_ended() = *run.ended;
  Send(std::move(message), {});
}

// Runs alone: what never began has no trace.
void WriterClient::Count(const RunId& id, const proto::TraceStored& stored) {
  auto run = runs_.find(id);
  if (run == runs_.end() || (!run->second.began && !run->second.left)) return;
  if (run->second.left && !run->second.left->has_began()) return;
  stored_.not_in_sample += stored.not_kept() == proto::NOT_KEPT_SAMPLE;
  stored_.beyond_bytes += stored.not_kept() == proto::NOT_KEPT_BYTES;
  stored_.kept += IsKept(stored);
  stored_.events_not_kept += stored.events_not_kept();
}

// What was told on another day (UTC) is over with it.
std::optional<uint64_t> WriterClient::BudgetsUsedUp() const {
  using std::chrono::days;
  auto day = [](WallTime time) { return std::chrono::floor<days>(time); };
  if (!budgets_used_up_) return std::nullopt;
  return day(budgets_told_) == day(clock_.Wall()) ? *budgets_used_up_ : 0;
}

void WriterClient::TellStored(const RunId& id, uint64_t bytes) const {
  auto run = runs_.find(id);
  if (run == runs_.end() || !run->second.began || !run->second.ended || !heard_.stored) return;
  heard_.stored(*run->second.began, *run->second.ended, bytes);
}

void WriterClient::OnStored(const RunId& id) {
  auto run = runs_.find(id);
  if (run == runs_.end() || run->second.ended_order == 0) return;
  WorkerId worker = run->second.worker;
  bool on_ring = run->second.began.has_value();
  if (ledger_ != nullptr) ledger_->Free(run->second.slot);
  ended_.erase(run->second.ended_order);
  runs_.erase(run);
  if (auto ring = rings_.find(worker); on_ring && ring != rings_.end()) {
    if (ring->second.unstored_runs > 0) --ring->second.unstored_runs;
    DropRingIfDone(worker);
  }
}

void WriterClient::GiveUpOldest() {
  RunId id = ended_.begin()->second;
  if (auto ring = rings_.find(runs_.at(id).worker); ring != rings_.end())
    ring->second.had_before = true;
  ++traces_lost_;
  OnStored(id);
}

void WriterClient::SaveRevision(proto::SaveRevision revision, const Fd& program, const Fd& source,
                                std::function<void(Status)> done) {
  if (!channel_) return done(tl::unexpected<Error>(kAway));
  proto::ToWriter message;
  message.set_ticket(next_ticket_++);
  std::vector<int> fds{program.get()};
  if (revision.source_memfd_bytes() > 0) fds.push_back(source.get());
  *message.mutable_save_revision() = std::move(revision);
  questions_.emplace(message.ticket(),
                     Question{[done = std::move(done)](Result<proto::FromWriter> answer) {
                                if (!answer) return done(tl::unexpected<Error>(answer.error()));
                                done({});
                              },
                              clock_.Mono()});
  Send(std::move(message), fds);
}

void WriterClient::LoadCatalog(std::function<void(Result<std::vector<CatalogItem>>)> done) {
  if (!channel_) return done(tl::unexpected<Error>(kAway));
  proto::ToWriter message;
  message.set_ticket(next_ticket_++);
  message.mutable_load_catalog();
  catalog_questions_.emplace(message.ticket(), CatalogQuestion{{}, std::move(done)});
  Send(std::move(message), {});
}

void WriterClient::Ask(proto::ToWriter question,
                       std::function<void(Result<proto::FromWriter>)> answered) {
  AskWith(std::move(question), {}, std::move(answered));
}

void WriterClient::ImportTrace(proto::ImportTrace import, const Fd& events,
                               std::function<void(Result<proto::FromWriter>)> answered) {
  proto::ToWriter question;
  *question.mutable_import_trace() = std::move(import);
  AskWith(std::move(question), {events.get()}, std::move(answered));
}

void WriterClient::AskWith(proto::ToWriter question, std::vector<int> fds,
                           std::function<void(Result<proto::FromWriter>)> answered) {
  if (!channel_) return answered(tl::unexpected<Error>(kAway));
  if (questions_.size() >= bounds::kJournalQuestions)
    return answered(
        Fail(ErrorCode::kExhausted, "too many questions to the storage writer at once"));
  question.set_ticket(next_ticket_++);
  questions_.emplace(question.ticket(), Question{std::move(answered), clock_.Mono()});
  Send(std::move(question), std::move(fds));
}

}  // namespace nightjar
