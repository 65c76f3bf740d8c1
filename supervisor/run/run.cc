#include "supervisor/run/run.h"

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "ipc/core/bounds.h"
#include "ipc/core/check.h"
#include "ipc/core/log.h"
#include "ipc/core/utf8.h"
#include "ipc/redact/request_redactor.h"
#include "policies/urgent.h"
#include "supervisor/run/redaction.h"
#include "supervisor/watch/process_mask.h"

namespace nightjar {
namespace {

// Room in a frame for what is set after a message was measured.
constexpr size_t kFrameSlackBytes = 64;

// Its process ended while it waited.
bool IsGone(const Error& error) {
  return error.sys == EPIPE || error.sys == ECONNRESET;
}

// The worker's own last resort, for the case that the supervisor is stuck or dead: well behind the
// real deadline.
Nanos BackstopOf(const policy::Limits& limits) {
  return limits.wall.value * 2 + std::chrono::seconds(1);
}

}  // namespace

Run::Run(Needs needs, RunOrder order)
    : needs_(std::move(needs)),
      order_(std::move(order)),
      queue_patience_(needs_.loop,
                      [this] {
                        needs_.pool.Cancel(ticket_);
                        if (!order_.paused_by.empty())
                          return Refuse(
                              proto::REFUSAL_PAUSED, "queue_time",
                              order_.paused_by + "; it was not lifted within the limit queue_time");
                        Refuse(proto::REFUSAL_QUEUE_TIME, "queue_time",
                               "no worker was free within the limit queue_time");
                      }),
      before_soft_stop_(needs_.loop, [this] { LookBeforeSoftStop(); }) {
  result_.id = order_.id;
}

Run::~Run() {
  if (state_ == State::kQueued) needs_.pool.Cancel(ticket_);
}

void Run::Start() {
  proto::EngineKind engine = order_.handler.engine();
  if (engine == proto::ENGINE_EXEC && !order_.limits.exec.value)
    return Refuse(proto::REFUSAL_EXEC, "exec",
                  "this handler is a program, and limit exec = false lets this canvas run none (" +
                      order_.limits.exec.origin.source + ", " + order_.limits.exec.origin.layer +
                      ")");
  queue_patience_.StartAfter(order_.limits.queue_time.value);
  if (order_.paused_by.empty()) Lend();
}

void Run::Resume() {
  if (state_ != State::kQueued || order_.paused_by.empty()) return;
  order_.paused_by.clear();
  Lend();
}

void Run::Lend() {
  ticket_ = needs_.pool.Lend(order_.revision, order_.handler.engine(), order_.limits,
                             [this](Result<Worker*> worker) { OnLent(std::move(worker)); });
}

void Run::OnLent(Result<Worker*> worker) {
  queue_patience_.Stop();
  if (!worker)
    return EndWithoutWorker({proto::VERDICT_START_FAILED, worker.error().ToString(), ""});
  worker_ = *worker;
  worker_->SetUser(this);
  worker_id_ = worker_->id();
  state_ = State::kRunning;
  started_ = needs_.clock.Mono();
  at_start_ = worker_->usage_before_run;
  proto::RunBegan began;
  began.set_worker_id(worker_->id());
  began.set_run_id(std::string(order_.id.bytes()));
  began.set_canvas(order_.revision->canvas);
  began.set_tlid(order_.handler.tlid());
  began.set_handler(order_.handler.name());
  began.set_revision(order_.revision->number);
  began.set_received_unix_us(UnixMicros(order_.received_wall));
  began.set_caller(order_.caller);
  began.set_trace_bytes_max(order_.limits.trace_bytes.value);
  began.set_request_line(order_.request_line);
  began.set_rerun_of(order_.rerun_of);
  began.set_policy_version(order_.limits.policy);
  if (order_.patch) *began.mutable_patch() = *order_.patch;
  for (const std::string& name : order_.limits.trace_index.value) began.add_trace_index(name);
  auto rules = TraceRulesOf(order_.limits, order_.wanted_by);
  // A patch is kept with its base, or not at all.
  if (rules && !order_.patch) *began.mutable_trace_rules() = std::move(*rules);
  // Before the worker can write its first event: the writer tells runs apart by what it was told.
  needs_.journal.RunBegan(std::move(began));
  watchdog_.emplace(needs_.loop, needs_.clock, needs_.guard, worker_->cell(), order_.limits,
                    at_start_, started_, [this](KillCause cause) { Kill(std::move(cause)); });
  if (order_.handler.engine() == proto::ENGINE_EXEC) LookBeforeSoftStop();
  // Of a worker that is gone already the exit, which says more, is about to be seen.
  if (Status sent = SendRun(); !sent && !IsGone(sent.error())) OnBroken(sent.error().ToString());
}

Status Run::SendRun() {
  proto::ToWorker message;
  proto::Run& run = *message.mutable_run();
  run = std::move(order_.message);
  run.set_run_id(std::string(order_.id.bytes()));
  run.set_tlid(order_.handler.tlid());
  proto::RunLimits& limits = *run.mutable_limits();
  limits.set_call_depth_max(order_.limits.depth.value);
  limits.set_output_bytes_max(order_.limits.output_bytes.value);
  limits.set_trace_bytes_max(order_.limits.trace_bytes.value);
  limits.set_trace_overflow_kills(order_.limits.trace_overflow_kills.value);
  policy::SoftLimits soft = policy::SoftLimitsOf(order_.limits);
  limits.set_wall_ns_soft(static_cast<uint64_t>(Nanos(soft.wall).count()));
  limits.set_cpu_ns_soft(static_cast<uint64_t>(Nanos(soft.cpu).count()));
  limits.set_value_bytes_max(soft.value_bytes);
  limits.set_steps_max(order_.limits.steps.value);
  limits.set_wall_ns_max(static_cast<uint64_t>(BackstopOf(order_.limits).count()));
  *limits.mutable_redaction() =
      RedactionOf(order_.limits, order_.redaction_key, order_.revision->canvas);
  HideFromLook(run);
  if (!run.has_http() && !run.has_again()) return worker_->Send(message);
  // Beside a large header even a body that may be inline can be too much for one packet.
  bool fits = run.ByteSizeLong() + order_.body.size() + kFrameSlackBytes <= bounds::kFrameBytes;
  if (order_.body.size() <= bounds::kInlineBodyBytes && fits) {
    run.has_again() ? run.mutable_again()->set_replay(std::move(order_.body))
                    : run.mutable_http()->set_body(std::move(order_.body));
    return worker_->Send(message);
  }
  NJ_ASSIGN(Fd body, CreateImmutableMemfd("nightjar-request", order_.body));
  run.has_again() ? run.mutable_again()->set_memfd_bytes(order_.body.size())
                  : run.mutable_http()->set_body_memfd_bytes(order_.body.size());
  order_.body = {};
  return worker_->Send(message, {body.get()});
}

// A program may have put what it was sent into a command line. A large body is not searched here,
// in the loop: nothing is shown then.
void Run::HideFromLook(const proto::Run& run) {
  // Of a run that is done again its trace was relieved already.
  if (order_.handler.engine() != proto::ENGINE_EXEC || !run.has_http() || run.has_again()) return;
  RequestRedactor redactor{RedactionRules(run.limits().redaction())};
  if (redactor.rules().empty()) return;
  bool small = order_.body.size() <= bounds::kInlineBodyBytes;
  redactor.Gather(run.http(), small ? order_.body : std::string_view());
  HiddenTexts hidden = redactor.hidden();
  hidden.all = hidden.all || !small;
  hidden_.Set(std::move(hidden));
}

void Run::OnMessage(proto::FromWorker message, std::vector<Fd> fds) {
  if (state_ != State::kRunning) return;  // it is being killed: what it says now no longer counts
  switch (message.kind_case()) {
    case proto::FromWorker::kFinished:
      return OnFinished(std::move(*message.mutable_finished()), std::move(fds));
    case proto::FromWorker::kLimitHit:
      return OnLimitHit(message.limit_hit());
    case proto::FromWorker::kDied:
      return OnDied(message.died());
    default:
      return OnBroken("it spoke out of turn");
  }
}

void Run::OnFinished(proto::Finished finished, std::vector<Fd> fds) {
  if (finished.run_id() != order_.id.bytes()) return OnBroken("it answered another run");
  if (finished.status() < 200 || finished.status() > 999)
    return OnBroken("it answered with status " + std::to_string(finished.status()));
  if (finished.body_memfd_bytes() > 0) {
    if (fds.empty()) return OnBroken("it promised a body and sent none");
    auto body = ReadForeignMemfd(fds[0], order_.limits.output_bytes.value);
    if (!body && body.error().code == ErrorCode::kExhausted)
      return OnTooMuchOutput(
          std::max(finished.body_memfd_bytes(), order_.limits.output_bytes.value + 1));
    if (!body) return OnBroken(body.error().ToString());
    finished.set_body(std::move(*body));
  }
  if (finished.body().size() > order_.limits.output_bytes.value)
    return OnTooMuchOutput(finished.body().size());
  auto used = watchdog_->UsedSoFar();
  watchdog_.reset();
  finished_ = std::move(finished);
  result_.status = finished_.status();
  result_.request_refused = finished_.request_refused();
  result_.calls_answered = finished_.calls_answered();
  result_.calls_live = finished_.calls_live();
  result_.headers.assign(std::make_move_iterator(finished_.mutable_headers()->begin()),
                         std::make_move_iterator(finished_.mutable_headers()->end()));
  result_.body = std::move(*finished_.mutable_body());
  Evidence evidence;
  evidence.answered = true;
  evidence.program_error = finished_.program_error();
  evidence.program_message = finished_.error();
  evidence.program = order_.handler.engine() == proto::ENGINE_EXEC;
  evidence.limits = &order_.limits;
  if (used) evidence.usage = *used;
  Worker* worker = std::exchange(worker_, nullptr);
  worker->SetUser(nullptr);
  End(VerdictOf(evidence), UsageOf(used ? *used : CellUsage{}), nullptr);
  needs_.pool.GiveBack(worker, order_.limits);
}

// The worker counts its output and should have stopped by itself.
void Run::OnTooMuchOutput(uint64_t bytes) {
  proto::LimitHit hit;
  hit.set_run_id(std::string(order_.id.bytes()));
  hit.set_limit(proto::SELF_LIMIT_OUTPUT);
  hit.set_measured(bytes);
  OnLimitHit(hit);
}

void Run::OnLimitHit(const proto::LimitHit& hit) {
  if (hit.run_id() != order_.id.bytes()) return OnBroken("it spoke of another run");
  auto cause = CauseOfSelfLimit(hit, order_.limits, watchdog_->Sample());
  if (!cause) return OnBroken("it reported a limit that it has not reached");
  finished_.set_steps(hit.steps());
  finished_.set_value_bytes(hit.value_bytes());
  Kill(std::move(*cause));
}

// The first cause is what ended the program; the rest of the cell goes with it.
void Run::OnDied(const proto::Died& died) {
  if (died.run_id() != order_.id.bytes()) return OnBroken("it spoke of another run");
  if (died.signal() <= 0 || died.signal() > SIGRTMAX)
    return OnBroken("it reported a signal that there is not");
  program_end_.emplace().signal = died.signal();
  state_ = State::kKilling;
  watchdog_->Stop();
  KillWorker(Reaper::Sample::kRunning);
}

void Run::OnBroken(const std::string& why) {
  Kill({proto::VERDICT_PROTOCOL, "the worker broke its protocol: " + why, "", Nanos(0)});
}

void Run::OnDenied(const DeniedCall& call) {
  Kill(CauseOf(call, order_.limits));
}

void Run::Kill(KillCause cause) {
  switch (state_) {
    case State::kKilling:
    case State::kEnded:
      return;  // the first cause stands
    case State::kQueued: {
      needs_.pool.Cancel(ticket_);
      return EndWithoutWorker({cause.verdict, cause.sentence, ""});
    }
    case State::kRunning:
      break;
  }
  state_ = State::kKilling;
  cause_ = std::move(cause);
  watchdog_->Stop();
  KillWorker(Reaper::Sample::kFrozen);
}

std::vector<std::string> Run::Tighten(const policy::Limits& now) {
  if (state_ == State::kKilling || state_ == State::kEnded) return {};
  policy::Limits& limits = order_.limits;
  std::vector<std::string> tightened = policy::Tighten(&limits, now);
  if (std::count(tightened.begin(), tightened.end(), "suspended") > 0) {
    const policy::Origin& origin = limits.suspended.origin;
    std::string sentence = "the canvas was suspended by limit suspended = true (" + origin.source +
                           ", " + origin.layer + "), which is urgent";
    if (state_ == State::kQueued) {
      needs_.pool.Cancel(ticket_);
      Refuse(proto::REFUSAL_SUSPENDED, "suspended", sentence);
    } else {
      Kill({proto::VERDICT_OPERATOR, std::move(sentence), "suspended", Nanos(0)});
    }
  } else if (state_ == State::kRunning && !tightened.empty()) {
    watchdog_->LimitsTightened();
  }
  return tightened;
}

// A program that does what it is asked ends its processes before the kill. What uses several
// processors at once comes near sooner than one that does not: then this is seen here, and waits
// on.
void Run::LookBeforeSoftStop() {
  constexpr Nanos kAhead = 2 * bounds::kProcessLookTime;  // the look's own time, and as much again
  if (state_ != State::kRunning || worker_ == nullptr) return;
  Nanos left = watchdog_->UntilSoftStop();
  if (left == Nanos::max()) return;
  if (left > kAhead)
    return before_soft_stop_.StartAfter(std::max<Nanos>(left - kAhead, bounds::kProcessLookTime));
  look_ = needs_.looker.Begin(worker_->cell().Processes(),
                              [this](ProcessLook look) { processes_ = std::move(look); });
}

// A program's processes are looked at before it is frozen: afterwards every thread waits for the
// same.
void Run::KillWorker(Reaper::Sample sample) {
  if (order_.handler.engine() != proto::ENGINE_EXEC) return worker_->Kill(sample);
  MonoTime decided = needs_.clock.Mono();
  look_ = needs_.looker.Begin(worker_->cell().Processes(), [=, this](ProcessLook look) {
    // Fewer than before the soft stop, which is a part of the kill: it left few to be seen.
    if (!processes_ || look.in_all >= processes_->in_all) processes_ = std::move(look);
    // The kill comes so much later.
    if (cause_ && cause_->overshoot > Nanos(0)) cause_->overshoot += needs_.clock.Mono() - decided;
    worker_->Kill(sample);
  });
}

RunSeen Run::SeenUntil(const Death& death, const CellUsage& used) {
  RunSeen seen;
  seen.events = worker_->cell().ReadEvents();
  seen.processes = std::move(processes_);
  if (seen.processes) MaskProcesses(hidden_, &*seen.processes);
  if (!watchdog_) return seen;
  UsageHistory history = watchdog_->history();
  history.End((death.killed ? death.signalled_at : needs_.clock.Mono()) - started_, used);
  seen.usage = history.samples();
  seen.first_look = watchdog_->first_look();
  return seen;
}

// One that is gone reported nothing of its trace. What its ring says are a worker's own words, like
// those of one that finishes; more than fits is none of them.
void Run::NoteTrace() {
  Worker::Traced traced = worker_->TracedOf(order_.id);
  if (traced.bytes > order_.limits.trace_bytes.value) return;
  finished_.set_trace_events(traced.events);
  finished_.set_trace_bytes(traced.bytes);
  finished_.set_trace_dropped(traced.dropped);
}

void Run::OnGone(const Death& death) {
  before_soft_stop_.Stop();
  look_.reset();
  NoteTrace();
  if (watchdog_) watchdog_->Stop();
  if (watchdog_ && !cause_ && !program_end_) cause_ = watchdog_->GuardsCause();
  Evidence evidence;
  evidence.cause = cause_;
  evidence.exit = program_end_.value_or(death.exit);
  evidence.program = order_.handler.engine() == proto::ENGINE_EXEC;
  evidence.usage = UsedBetween(at_start_, death.usage);
  evidence.usage.canvas_braked |= watchdog_ && watchdog_->BrakedBeforeSoftStop();
  evidence.limits = &order_.limits;
  RunSeen seen = SeenUntil(death, evidence.usage);
  Worker* worker = std::exchange(worker_, nullptr);
  state_ = State::kKilling;
  End(VerdictOf(evidence), UsageOf(evidence.usage), &death, &seen);
  needs_.pool.Gone(worker, death);
}

void Run::Refuse(proto::RefusalKind kind, const std::string& limit, const std::string& detail) {
  result_.refusal = kind;
  EndWithoutWorker({proto::VERDICT_REFUSED, detail, limit});
}

void Run::EndWithoutWorker(VerdictAndDetail verdict) {
  queue_patience_.Stop();
  End(std::move(verdict), {}, nullptr);
}

void Run::End(VerdictAndDetail verdict, proto::Usage usage, const Death* death,
              const RunSeen* seen) {
  CHECK(state_ != State::kEnded);
  // Much of it may be a worker's own words, and the journal's message must fit a frame.
  CutToUtf8(&verdict.detail, bounds::kVerdictDetailBytes);
  MonoTime now = needs_.clock.Mono();
  bool ran = started_ != MonoTime{};
  state_ = State::kEnded;
  usage.set_wall_us(ran ? Microseconds(now - started_) : 0);
  usage.set_queue_us(Microseconds((ran ? started_ : now) - order_.received));
  usage.set_output_bytes(result_.body.size());
  usage.set_trace_bytes(finished_.trace_bytes());
  usage.set_trace_events(finished_.trace_events());
  usage.set_trace_dropped(finished_.trace_dropped());
  usage.set_steps(finished_.steps());
  usage.set_value_bytes(finished_.value_bytes());
  result_.had_worker = ran;
  result_.verdict = verdict.verdict;
  result_.detail = verdict.detail;
  result_.usage = std::move(usage);
  if (cause_ && cause_->overshoot > Nanos(0)) result_.overshoot = cause_->overshoot;
  result_.by_guard = cause_ && cause_->by_guard;
  bool answered =
      verdict.verdict == proto::VERDICT_FINISHED || verdict.verdict == proto::VERDICT_PROGRAM_ERROR;
  if (!answered) result_.status = HttpStatusOf(verdict.verdict);
  // Before the worker can go, whose ring the journal then keeps; and before anybody is told, so
  // that no answer is without its record, whenever this process ends.
  needs_.journal.RunEnded(EndedMessage(verdict, death, seen));
  auto done = std::move(order_.done);
  done(std::move(result_));
  needs_.ended(this);
}

proto::RunEnded Run::EndedMessage(const VerdictAndDetail& verdict, const Death* death,
                                  const RunSeen* seen) const {
  proto::RunEnded ended;
  ended.set_worker_id(worker_id_);
  ended.set_run_id(std::string(order_.id.bytes()));
  ended.set_verdict(verdict.verdict);
  ended.set_detail(verdict.detail);
  *ended.mutable_usage() = result_.usage;
  ended.set_http_status(result_.status);
  ended.set_policy_version(order_.limits.policy);
  if (LeavesIncident(verdict.verdict)) {
    IncidentFacts facts;
    facts.run = order_.id;
    facts.canvas = order_.revision->canvas;
    facts.handler = order_.handler.name();
    facts.revision = order_.revision->number;
    facts.request_line = order_.request_line;
    facts.caller = order_.caller;
    facts.at_unix_us = UnixMicros(needs_.clock.Wall());
    facts.verdict = verdict;
    facts.usage = result_.usage;
    facts.limits = &order_.limits;
    facts.death = death;
    facts.seen = seen;
    facts.overshoot = cause_ ? cause_->overshoot : Nanos(0);
    facts.by_guard = result_.by_guard;
    if (result_.refusal != proto::REFUSAL_UNSPECIFIED)
      facts.refusal.emplace().set_kind(result_.refusal);
    *ended.mutable_incident() = MakeIncident(facts);
  }
  return ended;
}

proto::Usage Run::CurrentUsage() const {
  proto::Usage usage;
  if (state_ == State::kRunning && watchdog_) {
    if (auto used = watchdog_->UsedSoFar()) usage = UsageOf(*used);
    usage.set_wall_us(Microseconds(needs_.clock.Mono() - started_));
  } else if (state_ == State::kQueued) {
    usage.set_queue_us(Microseconds(needs_.clock.Mono() - order_.received));
  }
  return usage;
}

}  // namespace nightjar
