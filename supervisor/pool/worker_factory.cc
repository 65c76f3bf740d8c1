#include "supervisor/pool/worker_factory.h"

#include <algorithm>

#include "ipc/core/bounds.h"
#include "ipc/core/check.h"
#include "ipc/core/log.h"
#include "ipc/ring/layout.h"

namespace nightjar {
namespace {

constexpr int kNoProcess = 127;  // exit code of a worker that never was

}  // namespace

CellLimits CellLimitsOf(const policy::Limits& limits) {
  return {limits.memory_bytes.value, limits.pids.value, limits.canvas_disk_read_bytes.value != 0};
}

CanvasLimits CanvasLimitsOf(const policy::Limits& limits) {
  return {limits.canvas_memory_bytes.value,
          limits.canvas_pids.value,
          limits.canvas_cpus.value,
          limits.canvas_cpu_weight.value,
          limits.canvas_disk_read_bytes.value,
          static_cast<uint64_t>(limits.canvas_cpu_burst.value.count())};
}

uint64_t CpuBackstopSeconds(const policy::Limits& limits) {
  auto seconds = std::chrono::duration_cast<std::chrono::seconds>(limits.cpu.value).count();
  return (static_cast<uint64_t>(seconds) + 2) * std::max<uint64_t>(limits.reuse.value, 1);
}

WorkerFactory::WorkerFactory(Loop& loop, const Clock& clock, CellTree& cells, Zygotes zygotes,
                             Journal& journal, UidRange uids)
    : loop_(loop),
      clock_(clock),
      cells_(cells),
      zygotes_(zygotes),
      journal_(journal),
      uids_(std::move(uids)) {
  cells_.OnFreed([this](const std::string& cell) { OnFreed(cell); });
}

WorkerFactory::~WorkerFactory() {
  cells_.OnFreed(nullptr);
}

Result<Worker*> WorkerFactory::Make(const std::string& canvas, proto::EngineKind engine,
                                    const policy::Limits& limits, WorkerUser* user) {
  auto uid = uids_.Take();
  if (!uid) return Fail(ErrorCode::kExhausted, "every worker id of this host is in use");
  Worker::Parts parts;
  parts.id = next_id_++;
  parts.canvas = canvas;
  parts.uid = *uid;
  parts.cell_limits = CellLimitsOf(limits);
  parts.cpu_seconds_max = CpuBackstopSeconds(limits);
  parts.engine = engine;
  if (engine == proto::ENGINE_EXEC) {
    parts.tmp_bytes = limits.tmp_bytes.value;
    parts.denied_calls = limits.denied_calls.value;
  }
  Fd theirs;
  Status made = [&]() -> Status {
    NJ_ASSIGN(parts.cell, cells_.Acquire(canvas, CanvasLimitsOf(limits), parts.cell_limits, *uid));
    NJ_ASSIGN(parts.ring, CreateSizedMemfd("nightjar-ring", RingBytes()));
    NJ_ASSIGN(auto ends, SeqpacketPair());
    parts.control = std::move(ends.first);
    theirs = std::move(ends.second);
    return {};
  }();
  if (!made) {
    if (parts.cell) cells_.Release(std::move(parts.cell));
    uids_.GiveBack(*uid);
    return tl::unexpected<Error>(made.error());
  }
  SpawnRequest request;
  request.worker = parts.id;
  request.uid = *uid;
  request.cpu_seconds_max = parts.cpu_seconds_max;
  request.tmp_bytes = parts.tmp_bytes;
  request.denied_calls = parts.denied_calls;
  if (!cells_.bounds().memory) request.data_bytes_max = parts.cell_limits.memory_bytes;
  if (!cells_.bounds().pids) request.processes_max = parts.cell_limits.pids;
  request.control_fd = theirs.get();
  request.ring_fd = parts.ring.get();
  for (const CellDoor& door : parts.cell->doors())
    request.doors.push_back({door.dir_fd, door.born_into});
  WorkerId id = parts.id;
  auto worker = std::make_unique<Worker>(loop_, clock_, std::move(parts));
  Worker* raw = worker.get();
  raw->SetUser(user);
  workers_.emplace(id, std::move(worker));
  journal_.AttachRing(id, canvas, raw->ring());
  ++asked_[engine];
  zygotes_.Of(engine).Spawn(request, [this, id, engine](Result<SpawnedProcess> process) {
    OnSpawned(id, engine, std::move(process));
  });
  return raw;
}

void WorkerFactory::OnSpawned(WorkerId id, proto::EngineKind engine,
                              Result<SpawnedProcess> process) {
  --asked_[engine];
  if (answered_) answered_();
  auto at = workers_.find(id);
  // Quarantined and buried while the zygote was at it: the tree kills what is in that cell again at
  // each sweep.
  if (at == workers_.end()) return;
  Worker& worker = *at->second;
  if (process) return worker.Born(std::move(*process));
  LogError("worker_start_failed",
           {{"worker", id}, {"canvas", worker.canvas()}, {"error", process.error().ToString()}});
  Death death;
  death.exit.exit_code = kNoProcess;
  worker.NeverBorn(death);
}

void WorkerFactory::Bury(Worker* worker, const Death& death) {
  worker->SetUser(nullptr);
  journal_.DetachRing(worker->id());
  std::unique_ptr<Cell> cell = worker->TakeCell();
  auto empty = cell->Empty();
  if (!death.quarantined)
    uids_.GiveBack(worker->uid());
  else if (!empty || !*empty)
    quarantine_[cell->name()] = {worker->canvas(), worker->uid()};
  else
    ++lost_uids_;
  cells_.Release(std::move(cell));
  auto at = workers_.find(worker->id());
  CHECK(at != workers_.end());
  // Its callbacks may be on the stack now.
  auto body = std::make_shared<std::unique_ptr<Worker>>(std::move(at->second));
  workers_.erase(at);
  loop_.Post([body] { body->reset(); });
}

void WorkerFactory::OnFreed(const std::string& cell) {
  auto at = quarantine_.find(cell);
  if (at == quarantine_.end()) return;
  LogInfo("worker_gone_after_all", {{"cell", cell}});
  uids_.GiveBack(at->second.uid);
  quarantine_.erase(at);
}

size_t WorkerFactory::quarantined(const std::string& canvas) const {
  return static_cast<size_t>(
      std::count_if(quarantine_.begin(), quarantine_.end(),
                    [&](const auto& entry) { return entry.second.canvas == canvas; }));
}

void WorkerFactory::Broke(WorkerId worker, const std::string& why) {
  auto at = workers_.find(worker);
  if (at != workers_.end()) at->second->Broke(why);
}

void WorkerFactory::KillAll() {
  for (auto& [id, worker] : workers_) worker->Kill(Reaper::Sample::kRunning);
}

}  // namespace nightjar
