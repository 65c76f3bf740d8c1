#include "supervisor/pool/worker_pool.h"

#include <algorithm>
#include <csignal>
#include <list>

#include "ipc/core/bounds.h"
#include "ipc/core/check.h"
#include "ipc/core/log.h"
#include "policies/fair_share.h"

namespace nightjar {

class WorkerPool::Ticket {
 public:
  RevisionPtr revision;
  proto::EngineKind engine = proto::ENGINE_DARK;
  policy::Limits limits;
  Lent lent;
  std::string canvas;
  bool tried_again = false;  // its first start was killed by somebody else
};

struct WorkerPool::Canvas {
  std::string name;
  RevisionPtr revision;                           // newest that was asked for
  policy::Limits limits;                          // the canvas's own, without a handler's
  proto::EngineKind engine = proto::ENGINE_DARK;  // that was asked for last: the reserve has it
  std::list<std::unique_ptr<Resident>> residents;
  std::list<std::shared_ptr<Ticket>> waiting;
  std::vector<const Worker*> lent;  // the factory's
  MonoTime last_used{};
  MonoTime no_arming_before{};  // after a failed start
  uint32_t failures = 0;        // starts failed in a row
  bool fill_posted = false;

  size_t Count(Resident::State state) const {
    return static_cast<size_t>(std::count_if(residents.begin(), residents.end(),
                                             [&](const auto& r) { return r->state() == state; }));
  }

  policy::Claim Claims() const {
    return {limits.canvas_cpu_weight.value, residents.size() + lent.size()};
  }

  // The canvas's next run could have it, whichever handler without limits of its own it is for.
  bool Reserves(const Resident& resident) const;
};

namespace {

// The cell's limits are exactly those. The kernel's cpu limit of a process cannot be raised any
// more: a run with a higher limit than the worker was made for would die of it.
bool Allows(const Worker& worker, const policy::Limits& limits) {
  bool exec = worker.engine() == proto::ENGINE_EXEC;
  if (exec && (!limits.exec.value || worker.tmp_bytes() != limits.tmp_bytes.value ||
               worker.denied_calls() != limits.denied_calls.value))
    return false;
  return worker.cell_limits() == CellLimitsOf(limits) &&
         worker.cpu_seconds_max() >= CpuBackstopSeconds(limits);
}

bool Fits(const Resident& resident, const RevisionPtr& revision, proto::EngineKind engine,
          const policy::Limits& limits) {
  return resident.revision() == revision && resident.worker()->engine() == engine &&
         Allows(*resident.worker(), limits);
}

// A program leaves files and processes behind, which end with its worker.
uint64_t RunsOf(const Worker& worker, const policy::Limits& limits) {
  return worker.engine() == proto::ENGINE_EXEC ? 1 : limits.reuse.value;
}

}  // namespace

bool WorkerPool::Canvas::Reserves(const Resident& resident) const {
  return Fits(resident, revision, engine, limits);
}

WorkerPool::WorkerPool(Loop& loop, const Clock& clock, WorkerFactory& factory, LimitsOf limits_of)
    : loop_(loop), clock_(clock), factory_(factory), limits_of_(std::move(limits_of)) {
  factory_.OnAnswered([this] {
    if (!waiting_.empty() || !reserves_.empty()) ShareLater();
  });
}

WorkerPool::~WorkerPool() {
  factory_.OnAnswered(nullptr);
}

WorkerPool::Canvas& WorkerPool::Of(const std::string& name) {
  std::unique_ptr<Canvas>& canvas = canvases_[name];
  if (!canvas) {
    canvas = std::make_unique<Canvas>();
    canvas->name = name;
    canvas->limits = limits_of_(name);
  }
  return *canvas;
}

std::shared_ptr<WorkerPool::Ticket> WorkerPool::Lend(RevisionPtr revision, proto::EngineKind engine,
                                                     const policy::Limits& limits, Lent lent) {
  auto ticket = std::make_shared<Ticket>();
  if (closed_) {
    lent(Fail(ErrorCode::kUnavailable, "the supervisor is stopping"));
    return ticket;
  }
  Canvas& canvas = Of(revision->canvas);
  canvas.last_used = clock_.Mono();
  canvas.engine = engine;
  if (!canvas.revision || canvas.revision->number < revision->number) canvas.revision = revision;
  *ticket = Ticket{std::move(revision), engine, limits, std::move(lent), canvas.name, false};
  canvas.waiting.push_back(ticket);
  Serve(canvas);
  // A successor is made when this run is over, or at the next sweep: a fork now would delay the
  // answer.
  if (!canvas.waiting.empty()) FillLater(canvas.name);
  return ticket;
}

void WorkerPool::Serve(Canvas& canvas) {
  auto hand_out_one = [&] {
    return std::any_of(canvas.residents.begin(), canvas.residents.end(), [&](const auto& resident) {
      return resident->state() == Resident::State::kArmed && HandOut(canvas, resident.get());
    });
  };
  while (!canvas.waiting.empty() && hand_out_one()) continue;
}

void WorkerPool::Cancel(const std::shared_ptr<Ticket>& ticket) {
  if (!ticket) return;
  auto at = canvases_.find(ticket->canvas);
  if (at != canvases_.end()) at->second->waiting.remove(ticket);
}

// In a later turn, so that the run that just got its worker is on its way before the next worker is
// made.
void WorkerPool::FillLater(const std::string& name) {
  Canvas& canvas = Of(name);
  if (canvas.fill_posted) return;
  canvas.fill_posted = true;
  loop_.Post([this, name, alive = std::weak_ptr<bool>(alive_)] {
    if (alive.expired()) return;
    Canvas& canvas = Of(name);
    canvas.fill_posted = false;
    Fill(canvas);
  });
}

void WorkerPool::Fill(Canvas& canvas) {
  if (closed_ || !canvas.revision) return;
  EndOutdated(canvas);
  auto enlist = [](Line& line, const Want& want) {
    if (std::find(line.begin(), line.end(), want) == line.end()) line.push_back(want);
  };
  bool others = !waiting_.empty();
  for (proto::EngineKind engine : {proto::ENGINE_DARK, proto::ENGINE_EXEC})
    if (std::any_of(canvas.waiting.begin(), canvas.waiting.end(),
                    [&](const auto& ticket) { return ticket->engine == engine; }))
      enlist(waiting_, {&canvas, engine});
  enlist(reserves_, {&canvas, canvas.engine});
  // Where others wait too, when all that came in this turn is known.
  if (others) return ShareLater();
  Share();
}

// What has an older revision's program waits for nobody but a request that came before the new one.
void WorkerPool::EndOutdated(Canvas& canvas) {
  for (const auto& resident : canvas.residents) {
    if (resident->state() == Resident::State::kEnding || resident->revision() == canvas.revision)
      continue;
    bool awaited =
        std::any_of(canvas.waiting.begin(), canvas.waiting.end(), [&](const auto& ticket) {
          return Fits(*resident, ticket->revision, ticket->engine, ticket->limits);
        });
    if (!awaited) resident->End();
  }
}

// Who waits and does not fit what is starting already, as many as the canvas may have running.
WorkerPool::Unserved WorkerPool::UnservedOf(const Canvas& canvas) const {
  std::vector<const Resident*> starting;
  for (const auto& resident : canvas.residents)
    if (resident->state() == Resident::State::kStarting) starting.push_back(resident.get());
  size_t busy = Busy(canvas);
  std::vector<std::shared_ptr<Ticket>> unfit;
  for (const auto& ticket : canvas.waiting) {
    auto fit = std::find_if(starting.begin(), starting.end(), [&](const Resident* resident) {
      return Fits(*resident, ticket->revision, ticket->engine, ticket->limits);
    });
    if (fit == starting.end()) {
      unfit.push_back(ticket);
      continue;
    }
    if (busy >= ticket->limits.concurrency.value) continue;  // it waits for an end, not a start
    starting.erase(fit);
    ++busy;
  }
  Unserved unserved;
  unserved.spare = static_cast<size_t>(
      std::count_if(starting.begin(), starting.end(),
                    [&](const Resident* resident) { return canvas.Reserves(*resident); }));
  for (const auto& ticket : unfit) {
    if (!factory_.CanMake(ticket->engine)) continue;
    if (busy++ >= ticket->limits.concurrency.value) break;
    unserved.tickets.push_back(ticket);
  }
  return unserved;
}

void WorkerPool::ShareLater() {
  if (std::exchange(share_posted_, true)) return;
  loop_.Post([this, alive = std::weak_ptr<bool>(alive_)] {
    if (alive.expired()) return;
    share_posted_ = false;
    Share();
  });
}

// Neither requests without end nor reserves keep the others from being started.
void WorkerPool::Share() {
  while (!closed_ && !factory_.full()) {
    if (!StartNext(reserve_next_ ? reserves_ : waiting_) &&
        !StartNext(reserve_next_ ? waiting_ : reserves_))
      return;
    reserve_next_ = !reserve_next_;
  }
  if (closed_) return;
  reserves_.clear();  // the next sweep looks again
  // Some only looked whether there is something to start.
  std::erase_if(waiting_,
                [this](const Want& want) { return UnservedOf(*want.canvas).tickets.empty(); });
  if (!waiting_.empty()) MakeRoom();
}

bool WorkerPool::StartNext(Line& line) {
  for (;;) {
    Line startable;
    std::vector<policy::Claim> claims;
    for (const Want& want : line) {
      if (factory_.Busy(want.engine)) continue;
      startable.push_back(want);
      claims.push_back(want.canvas->Claims());
    }
    if (startable.empty()) return false;
    Want next = startable[policy::NextInTurn(claims)];
    if (&line == &waiting_ ? StartForWaiting(next) : StartReserve(next)) return true;
    std::erase(line, next);
  }
}

// For the first of those who wait for one, if there is one. Whom it cannot be started for is told.
bool WorkerPool::StartForWaiting(const Want& want) {
  Canvas& canvas = *want.canvas;
  for (const auto& ticket : UnservedOf(canvas).tickets) {
    if (ticket->engine != want.engine) continue;
    Status started = StartOne(canvas, ticket->revision, ticket->engine, ticket->limits);
    if (started) return true;
    canvas.waiting.remove(ticket);
    ticket->lent(tl::unexpected<Error>(started.error()));
    return true;
  }
  return false;
}

// One place for each canvas that is short; more may follow when those are gone.
void WorkerPool::MakeRoom() {
  std::vector<Canvas*> givers;
  std::vector<policy::Claim> claims;
  size_t ending = 0;
  for (auto& [name, canvas] : canvases_) {
    ending += canvas->Count(Resident::State::kEnding);
    if (canvas->Count(Resident::State::kArmed) == 0) continue;
    givers.push_back(canvas.get());
    claims.push_back(canvas->Claims());
  }
  for (size_t wanted = waiting_.size(); wanted > ending && !givers.empty(); --wanted) {
    size_t giver = policy::FirstToGive(claims);
    Canvas& canvas = *givers[giver];
    auto armed = std::find_if(
        canvas.residents.begin(), canvas.residents.end(),
        [](const auto& resident) { return resident->state() == Resident::State::kArmed; });
    (*armed)->End();
    --claims[giver].held;
    if (canvas.Count(Resident::State::kArmed) > 0) continue;
    givers.erase(givers.begin() + static_cast<ptrdiff_t>(giver));
    claims.erase(claims.begin() + static_cast<ptrdiff_t>(giver));
  }
}

// A worker that will come back counts: an end of its run is nearer than a start.
bool WorkerPool::LacksReserve(const Canvas& canvas) const {
  if (!factory_.CanMake(canvas.engine) || clock_.Mono() < canvas.no_arming_before) return false;
  if (clock_.Mono() - canvas.last_used > canvas.limits.idle.value) return false;
  if (canvas.engine == proto::ENGINE_EXEC && !canvas.limits.exec.value) return false;
  auto armed =
      std::count_if(canvas.residents.begin(), canvas.residents.end(), [&](const auto& resident) {
        return resident->state() == Resident::State::kArmed && canvas.Reserves(*resident);
      });
  auto returning = std::count_if(canvas.lent.begin(), canvas.lent.end(), [&](const Worker* worker) {
    return worker->runs < RunsOf(*worker, canvas.limits) && worker->revision == canvas.revision &&
           worker->engine() == canvas.engine && Allows(*worker, canvas.limits);
  });
  return UnservedOf(canvas).spare + static_cast<size_t>(armed + returning) <
         canvas.limits.armed.value;
}

bool WorkerPool::StartReserve(const Want& want) {
  Canvas& canvas = *want.canvas;
  return canvas.engine == want.engine && LacksReserve(canvas) &&
         StartOne(canvas, canvas.revision, canvas.engine, canvas.limits);
}

Resident& WorkerPool::House(Canvas& canvas, const RevisionPtr& revision) {
  Resident::Events events;
  events.armed = [this, &canvas](Resident* resident) { OnArmed(canvas, resident); };
  events.gone = [this, &canvas](Resident* resident, const std::string& why, const Death& death) {
    OnGone(canvas, resident, why, death);
  };
  canvas.residents.push_back(std::make_unique<Resident>(loop_, revision, std::move(events)));
  return *canvas.residents.back();
}

Status WorkerPool::StartOne(Canvas& canvas, const RevisionPtr& revision, proto::EngineKind engine,
                            const policy::Limits& limits) {
  Resident& resident = House(canvas, revision);
  auto worker = factory_.Make(canvas.name, engine, limits, &resident);
  if (!worker) {
    LogWarning("worker_start_failed",
               {{"canvas", canvas.name}, {"error", worker.error().ToString()}});
    Evict(canvas, &resident);
    return tl::unexpected<Error>(worker.error());
  }
  resident.Start(*worker);
  return {};
}

void WorkerPool::Evict(Canvas& canvas, Resident* resident) {
  auto at = std::find_if(canvas.residents.begin(), canvas.residents.end(),
                         [&](const auto& r) { return r.get() == resident; });
  CHECK(at != canvas.residents.end());
  // Its own callback may be on the stack.
  auto body = std::make_shared<std::unique_ptr<Resident>>(std::move(*at));
  canvas.residents.erase(at);
  loop_.Post([body] { body->reset(); });
}

void WorkerPool::OnArmed(Canvas& canvas, Resident* resident) {
  canvas.failures = 0;
  canvas.no_arming_before = {};
  HandOut(canvas, resident);
}

// One that does not die keeps its place: what it holds of the canvas's memory and processors, it
// holds.
size_t WorkerPool::Busy(const Canvas& canvas) const {
  return canvas.lent.size() + factory_.quarantined(canvas.name);
}

bool WorkerPool::HandOut(Canvas& canvas, Resident* resident) {
  auto at = std::find_if(canvas.waiting.begin(), canvas.waiting.end(), [&](const auto& ticket) {
    return Busy(canvas) < ticket->limits.concurrency.value &&
           Fits(*resident, ticket->revision, ticket->engine, ticket->limits);
  });
  if (at == canvas.waiting.end()) return false;
  std::shared_ptr<Ticket> ticket = *at;
  canvas.waiting.erase(at);
  Worker* worker = resident->Release();
  Evict(canvas, resident);
  canvas.lent.push_back(worker);
  ++worker->runs;
  ticket->lent(worker);
  return true;
}

void WorkerPool::OnGone(Canvas& canvas, Resident* resident, const std::string& why,
                        const Death& death) {
  Worker* worker = resident->worker();
  // No fault of its own: whoever waits for it goes on waiting, for the next zygote.
  bool zygote_lost = !factory_.CanMake(worker->engine());
  if (!why.empty() && !zygote_lost) {
    LogWarning("worker_lost_before_its_run",
               {{"worker", worker->id()}, {"canvas", canvas.name}, {"why", why}});
    canvas.failures = std::min(canvas.failures + 1, 16u);
    Nanos pause = std::min<Nanos>(bounds::kRestartBackoffMin * (1u << (canvas.failures - 1)),
                                  bounds::kRestartBackoffMax);
    canvas.no_arming_before = clock_.Mono() + pause;
    // Each failed start fails one waiting request, so that nobody waits for ever and nothing loops.
    auto at = std::find_if(canvas.waiting.begin(), canvas.waiting.end(), [&](const auto& ticket) {
      return Fits(*resident, ticket->revision, ticket->engine, ticket->limits);
    });
    // The end of all workers at once may be seen before that of their zygote.
    bool by_others = death.exit.signal == SIGKILL && !death.killed;
    bool again =
        at != canvas.waiting.end() && by_others && !std::exchange((*at)->tried_again, true);
    if (at != canvas.waiting.end() && !again) {
      std::shared_ptr<Ticket> ticket = *at;
      canvas.waiting.erase(at);
      ticket->lent(Fail(ErrorCode::kUnavailable, "its worker could not start: " + why));
    }
  }
  factory_.Bury(worker, death);
  Evict(canvas, resident);
  FillLater(canvas.name);
}

void WorkerPool::GiveBack(Worker* worker, const policy::Limits& limits) {
  Canvas& canvas = Of(worker->canvas());
  std::erase(canvas.lent, worker);
  Resident& resident = House(canvas, worker->revision);
  resident.Adopt(worker);
  bool keep = !closed_ && worker->runs < RunsOf(*worker, limits) &&
              worker->revision == canvas.revision &&
              canvas.Count(Resident::State::kArmed) + canvas.lent.size() <=
                  std::max(limits.armed.value, limits.concurrency.value);
  if (!keep) resident.End();
  Serve(canvas);
  FillLater(canvas.name);
}

void WorkerPool::Gone(Worker* worker, const Death& death) {
  Canvas& canvas = Of(worker->canvas());
  std::erase(canvas.lent, worker);
  factory_.Bury(worker, death);
  Serve(canvas);
  FillLater(canvas.name);
}

void WorkerPool::Refresh(const RevisionPtr& revision) {
  Canvas& canvas = Of(revision->canvas);
  canvas.revision = revision;
  canvas.limits = limits_of_(canvas.name);
  const auto& handlers = revision->manifest.handlers();
  bool used = std::any_of(handlers.begin(), handlers.end(),
                          [&](const auto& handler) { return handler.engine() == canvas.engine; });
  if (!used && !handlers.empty()) canvas.engine = handlers[0].engine();
  EndOutdated(canvas);
  canvas.last_used = clock_.Mono();
  FillLater(canvas.name);
}

void WorkerPool::PolicyChanged() {
  for (auto& [name, canvas] : canvases_) LimitsChanged(*canvas);
}

void WorkerPool::PolicyChanged(const std::string& name) {
  auto at = canvases_.find(name);
  if (at != canvases_.end()) LimitsChanged(*at->second);
}

void WorkerPool::LimitsChanged(Canvas& canvas) {
  canvas.limits = limits_of_(canvas.name);
  for (const auto& resident : canvas.residents)
    if (resident->state() == Resident::State::kArmed && !Allows(*resident->worker(), canvas.limits))
      resident->End();
  FillLater(canvas.name);
}

void WorkerPool::ZygoteReady() {
  for (auto& [name, canvas] : canvases_) FillLater(name);
}

void WorkerPool::Sweep() {
  MonoTime now = clock_.Mono();
  for (auto& [name, canvas] : canvases_) {
    bool active = now - canvas->last_used <= canvas->limits.idle.value;
    if (active || !canvas->waiting.empty()) FillLater(name);
    if (active) {
      EndOneSurplus(*canvas);
      continue;
    }
    for (const auto& resident : canvas->residents)
      if (resident->state() == Resident::State::kArmed) resident->End();
  }
}

// A rush leaves more than the reserve behind: one a sweep goes, so that the next rush finds some.
void WorkerPool::EndOneSurplus(Canvas& canvas) {
  if (canvas.Count(Resident::State::kArmed) <= canvas.limits.armed.value) return;
  Resident* surplus = nullptr;
  for (const auto& resident : canvas.residents) {
    if (resident->state() != Resident::State::kArmed) continue;
    // What only one handler can have is missed least.
    bool special = !canvas.Reserves(*resident);
    if (surplus == nullptr || special) surplus = resident.get();
    if (special) break;
  }
  surplus->End();
}

void WorkerPool::Close() {
  closed_ = true;
  for (auto& [name, canvas] : canvases_) {
    for (const auto& resident : canvas->residents)
      if (resident->state() != Resident::State::kEnding) resident->End();
    auto waiting = std::move(canvas->waiting);
    canvas->waiting.clear();
    for (const auto& ticket : waiting)
      ticket->lent(Fail(ErrorCode::kUnavailable, "the supervisor is stopping"));
  }
}

WorkerPool::Counts WorkerPool::CountsOf(const std::string& name) const {
  auto at = canvases_.find(name);
  if (at == canvases_.end()) return {};
  const Canvas& canvas = *at->second;
  return {canvas.Count(Resident::State::kArmed), canvas.Count(Resident::State::kStarting),
          canvas.lent.size(), canvas.waiting.size()};
}

}  // namespace nightjar
