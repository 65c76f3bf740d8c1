#include "supervisor/writer/drain.h"

#include <utility>

#include "ipc/core/bounds.h"
#include "ipc/core/log.h"

namespace nightjar {

Status Drain::Attach(WorkerId worker, std::string canvas, const Fd& ring, RingBegins begins) {
  if (rings_.contains(worker))
    return Fail(ErrorCode::kExists, "this worker's ring is attached already");
  NJ_ASSIGN(auto made, WorkerRing::Create(worker, std::move(canvas), ring, begins, shared_));
  rings_.emplace(worker, std::move(made));
  return {};
}

void Drain::Detach(WorkerId worker) {
  auto ring = rings_.find(worker);
  if (ring == rings_.end()) return;
  ring->second->set_worker_gone();
  ForgetIfDone(worker);
}

void Drain::ForgetIfDone(WorkerId worker) {
  auto ring = rings_.find(worker);
  if (ring == rings_.end() || ring->second->busy()) return;
  busy_.erase(worker);
  if (ring->second->worker_gone()) rings_.erase(ring);
}

Status Drain::Begin(proto::RunBegan began) {
  auto run = RunId::FromBytes(began.run_id());
  if (!run) return Fail(ErrorCode::kInvalid, "a run without an id began");
  auto ring = rings_.find(began.worker_id());
  if (ring == rings_.end()) {
    ringless_.emplace(*run, std::make_unique<OpenTrace>(*run, std::move(began), shared_));
    return {};
  }
  ring->second->Begin(*run, std::move(began));
  busy_.emplace(ring->first, ring->second.get());
  return {};
}

Result<SealedRun> Drain::End(proto::RunEnded ended) {
  auto run = RunId::FromBytes(ended.run_id());
  if (!run) return Fail(ErrorCode::kInvalid, "a run without an id ended");
  if (auto trace = ringless_.find(*run); trace != ringless_.end()) {
    SealedRun sealed = SealRun(*trace->second, std::move(ended), {});
    ringless_.erase(trace);
    return sealed;
  }
  WorkerId worker = ended.worker_id();
  auto ring = busy_.find(worker);
  if (ring == busy_.end()) return SealUnbegun(*run, std::move(ended));
  return EndOnRing(worker, *ring->second, *run, std::move(ended));
}

SealedRun Drain::EndOnRing(WorkerId worker, WorkerRing& ring, const RunId& run,
                           proto::RunEnded ended) {
  bool before = !ring.condemned().empty();
  std::unique_ptr<OpenTrace> trace = ring.End(run);
  NoteCondemned(worker, ring, before);
  if (trace == nullptr) return SealUnbegun(run, std::move(ended));
  SealedRun sealed =
      SealRun(*trace, std::move(ended), {ring.bytes(), ring.resumed(), ring.condemned()});
  sealed.mark = {worker, ring.ended_at()};
  ForgetIfDone(worker);
  return sealed;
}

Result<SealedRun> Drain::EndLeft(proto::RunLeft left) {
  auto run = RunId::FromBytes(left.has_began() ? left.began().run_id() : left.ended().run_id());
  if (!run) return Fail(ErrorCode::kInvalid, "a run without an id was left");
  if (!left.has_began()) return SealUnbegun(*run, std::move(*left.mutable_ended()));
  OpenTrace trace(*run, std::move(*left.mutable_began()), shared_);
  proto::RunEnded ended;
  if (left.has_ended()) {
    ended = std::move(*left.mutable_ended());
  } else {
    // How long it ran nobody knows.
    ended = SupervisorLost(trace, {}, UnixMicros(clock_.Wall()));
    ended.mutable_usage()->clear_wall_us();
    ended.mutable_incident()->mutable_usage()->clear_wall_us();
  }
  SealedRun sealed = SealRun(trace, std::move(ended), {});
  sealed.resumed = true;
  sealed.eventless = "the supervisor and the storage writer both ended before it was stored";
  return sealed;
}

SealedRun Drain::EndWithSupervisor(OpenTrace& trace, std::map<RunId, proto::RunEnded>& known,
                                   const RingFacts& ring) {
  auto at = known.find(trace.run());
  proto::RunEnded ended = at != known.end()
                              ? std::move(at->second)
                              : SupervisorLost(trace, ring.bytes, UnixMicros(clock_.Wall()));
  SealedRun sealed = SealRun(trace, std::move(ended), ring);
  if (ring.bytes.empty()) sealed.eventless = "the supervisor ended before it handed its ring over";
  if (at == known.end()) return sealed;
  sealed.resumed = true;
  known.erase(at);
  return sealed;
}

std::vector<SealedRun> Drain::EndAll(std::map<RunId, proto::RunEnded> known) {
  std::vector<SealedRun> sealed;
  while (!busy_.empty()) {
    auto [worker, ring] = *busy_.begin();
    for (const RunId& run : ring->open_runs()) {
      std::unique_ptr<OpenTrace> trace = ring->End(run);
      sealed.push_back(
          EndWithSupervisor(*trace, known, {ring->bytes(), ring->resumed(), ring->condemned()}));
    }
    ForgetIfDone(worker);
  }
  for (auto& [run, trace] : ringless_) sealed.push_back(EndWithSupervisor(*trace, known, {}));
  ringless_.clear();
  for (auto& [run, ended] : known) sealed.push_back(SealUnbegun(run, std::move(ended)));
  return sealed;
}

void Drain::Free(const RingMark& mark) {
  auto ring = rings_.find(mark.worker);
  if (ring != rings_.end()) ring->second->Free(mark.end);
}

void Drain::NoteCondemned(WorkerId worker, const WorkerRing& ring, bool before) {
  if (before || ring.condemned().empty()) return;
  proto::RingCondemned& condemned = condemned_.emplace_back();
  condemned.set_worker_id(worker);
  condemned.set_why(ring.condemned());
}

size_t Drain::Turn() {
  size_t taken = 0;
  size_t idle = 0;  // rings in a row that had nothing
  auto at = busy_.lower_bound(next_turn_);
  while (idle < busy_.size() && taken < bounds::kDrainTurnBytes) {
    if (at == busy_.end()) at = busy_.begin();
    bool before = !at->second->condemned().empty();
    size_t more = at->second->Drain(bounds::kDrainChunkBytes);
    NoteCondemned(at->first, *at->second, before);
    taken += more;
    idle = more == 0 ? idle + 1 : 0;
    ++at;
  }
  next_turn_ = at == busy_.end() ? 0 : at->first;
  return taken;
}

}  // namespace nightjar
