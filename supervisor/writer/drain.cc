#include "supervisor/writer/drain.h"

#include <utility>

#include "ipc/core/bounds.h"
#include "ipc/core/log.h"

namespace nightjar {

Status Drain::Attach(WorkerId worker, std::string canvas, const Fd& ring) {
  if (rings_.contains(worker))
    return Fail(ErrorCode::kExists, "this worker's ring is attached already");
  NJ_ASSIGN(auto made, WorkerRing::Create(worker, std::move(canvas), ring, shared_));
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
  ForgetIfDone(worker);
  return sealed;
}

std::vector<SealedRun> Drain::EndAll() {
  std::vector<SealedRun> sealed;
  int64_t now = UnixMicros(clock_.Wall());
  while (!busy_.empty()) {
    auto [worker, ring] = *busy_.begin();
    for (const RunId& run : ring->open_runs()) {
      std::unique_ptr<OpenTrace> trace = ring->End(run);
      proto::RunEnded lost = SupervisorLost(*trace, ring->bytes(), now);
      sealed.push_back(
          SealRun(*trace, std::move(lost), {ring->bytes(), ring->resumed(), ring->condemned()}));
    }
    ForgetIfDone(worker);
  }
  for (auto& [run, trace] : ringless_)
    sealed.push_back(SealRun(*trace, SupervisorLost(*trace, {}, now), {}));
  ringless_.clear();
  return sealed;
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
