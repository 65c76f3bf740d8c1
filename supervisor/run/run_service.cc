#include "supervisor/run/run_service.h"

#include <algorithm>

#include "ipc/core/check.h"
#include "ipc/core/log.h"

namespace nightjar {

RunService::RunService(Loop& loop, const Clock& clock, WorkerPool& pool, Journal& journal,
                       Metrics& metrics, DeadlineGuard* guard, std::chrono::milliseconds look_time)
    : loop_(loop),
      clock_(clock),
      pool_(pool),
      journal_(journal),
      metrics_(metrics),
      guard_(guard),
      looker_(loop, clock, look_time),
      patience_(loop, [this] {
        // By id: a queued run that is killed leaves the table at once.
        for (const Run* live : Live())
          runs_.at(live->order().id)
              .run->Kill({proto::VERDICT_STOPPING,
                          "the supervisor stopped and the time for finishing was over", "",
                          Nanos(0)});
      }) {}

RunService::~RunService() = default;

void RunService::Start(RunOrder order) {
  RunId id = order.id;
  // The order lives in the run; `done` is wrapped so that each result is counted in one place.
  auto answer = std::move(order.done);
  auto [at, fresh] = runs_.emplace(id, Entry{});
  CHECK(fresh);
  // A replay is nothing that came from outside.
  if (order.rerun_of.empty()) order.request_bytes = order.body.size() + order.message.json().size();
  order.done = [this, id, answer = std::move(answer)](RunResult result) {
    Entry& entry = runs_.at(id);
    OnDone(entry.run->order(), result);
    for (const auto& told : entry.waiting) told(result);
    answer(std::move(result));
  };
  Run::Needs needs{
      loop_, clock_, pool_, journal_, looker_, guard_, [this](Run* run) { OnEnded(run); }};
  std::string canvas = order.revision->canvas;
  at->second.run = std::make_unique<Run>(std::move(needs), std::move(order));
  of_canvas_[canvas].insert(at->second.run.get());
  if (draining_)
    at->second.run->Kill({proto::VERDICT_STOPPING, "the supervisor is stopping", "", Nanos(0)});
  else
    at->second.run->Start();
}

void RunService::OnDone(const RunOrder& order, const RunResult& result) {
  if (ended_) ended_(order, result);
  CanvasCounts& counts = metrics_.Of(order.revision->canvas);
  ++counts.requests;
  HostCounts& host = metrics_.host();
  ++host.runs_ended[VerdictName(result.verdict)];
  if (result.overshoot) host.overshoots.Add(*result.overshoot);
  if (result.by_guard) ++host.guard_kills;
  counts.cpu_us += result.usage.cpu_us();
  Nanos latency = clock_.Mono() - order.received;
  counts.latency.Add(static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(latency).count()));
  if (result.verdict == proto::VERDICT_REFUSED) {
    ++counts.refused;
  } else if (LeavesIncident(result.verdict)) {
    ++counts.killed;
    LogWarning("run_killed", {{"run", result.id.ToString()},
                              {"canvas", order.revision->canvas},
                              {"handler", order.handler.name()},
                              {"verdict", VerdictName(result.verdict)},
                              {"detail", result.detail},
                              {"wall_us", result.usage.wall_us()},
                              {"cpu_us", result.usage.cpu_us()},
                              {"memory_peak", result.usage.memory_peak_bytes()}});
  }
}

void RunService::OnEnded(Run* run) {
  auto at = runs_.find(run->order().id);
  CHECK(at != runs_.end());
  // It is on the stack now.
  auto body = std::make_shared<std::unique_ptr<Run>>(std::move(at->second.run));
  runs_.erase(at);
  auto siblings = of_canvas_.find(run->order().revision->canvas);
  siblings->second.erase(run);
  if (siblings->second.empty()) of_canvas_.erase(siblings);
  loop_.Post([body] { body->reset(); });
  if (runs_.empty() && drained_) {
    patience_.Stop();
    std::exchange(drained_, nullptr)();
  }
}

Status RunService::Kill(const RunId& id, const std::string& by,
                        std::function<void(const RunResult&)> killed) {
  auto at = runs_.find(id);
  if (at == runs_.end())
    return Fail(ErrorCode::kNotFound, "no run " + id.ToString() + " is live; it may have ended");
  at->second.waiting.push_back(std::move(killed));
  at->second.run->Kill(
      {proto::VERDICT_OPERATOR, "killed by an operator (" + by + ")", "", Nanos(0)});
  return {};
}

// By id: a queued run that is killed leaves the table at once.
size_t RunService::KillAll(const Which& which, const std::string& sentence,
                           std::function<void()> killed) {
  std::vector<RunId> ids;
  for (const Run* run : Live())
    if (which(*run)) ids.push_back(run->order().id);
  if (ids.empty()) {
    killed();
    return 0;
  }
  auto left = std::make_shared<size_t>(ids.size());
  for (const RunId& id : ids) {
    Entry& entry = runs_.at(id);
    entry.waiting.push_back([left, killed](const RunResult&) {
      if (--*left == 0) killed();
    });
    entry.run->Kill({proto::VERDICT_OPERATOR, sentence, "", Nanos(0)});
  }
  return ids.size();
}

void RunService::Resume(const Which& which) {
  std::vector<RunId> ids;
  for (const Run* run : Live())
    if (!run->order().paused_by.empty() && which(*run)) ids.push_back(run->order().id);
  for (const RunId& id : ids)
    if (auto at = runs_.find(id); at != runs_.end()) at->second.run->Resume();
}

size_t RunService::Tighten(const std::function<policy::Limits(const RunOrder&)>& limits_of) {
  std::vector<RunId> ids;
  for (const auto& [id, entry] : runs_) ids.push_back(id);
  size_t tightened = 0;
  for (const RunId& id : ids) {
    auto at = runs_.find(id);
    if (at == runs_.end()) continue;
    Run& run = *at->second.run;
    if (!run.Tighten(limits_of(run.order())).empty()) ++tightened;
  }
  return tightened;
}

std::vector<const Run*> RunService::Live() const {
  std::vector<const Run*> live;
  for (const auto& [id, entry] : runs_) live.push_back(entry.run.get());
  std::sort(live.begin(), live.end(),
            [](const Run* a, const Run* b) { return a->order().received < b->order().received; });
  return live;
}

// Of a run that has ended usage knows already.
static void Count(const Run& run, RunService::Counts* counts) {
  if (run.state() == Run::State::kEnded) return;
  if (run.state() == Run::State::kQueued)
    ++counts->queued;
  else
    ++counts->running;
}

RunService::Counts RunService::CountsOf(const std::string& canvas) const {
  Counts counts;
  auto at = of_canvas_.find(canvas);
  if (at == of_canvas_.end()) return counts;
  for (const Run* run : at->second) Count(*run, &counts);
  return counts;
}

RunService::Counts RunService::CountsOfAll() const {
  Counts counts;
  for (const auto& [id, entry] : runs_) Count(*entry.run, &counts);
  return counts;
}

void RunService::Drain(Nanos patience, std::function<void()> drained) {
  draining_ = true;
  if (runs_.empty()) return drained();
  drained_ = std::move(drained);
  patience_.StartAfter(patience);
}

}  // namespace nightjar
