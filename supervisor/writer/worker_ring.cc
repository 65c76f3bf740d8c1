#include "supervisor/writer/worker_ring.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <utility>

#include "ipc/core/bounds.h"
#include "ipc/core/log.h"

namespace nightjar {
namespace {

// A shorter memfd, or one that can be cut, would be SIGBUS here.
Status CheckRing(const Fd& ring) {
  struct stat info;
  if (fstat(ring.get(), &info) != 0) return FailErrno("a ring's size");
  int seals = fcntl(ring.get(), F_GET_SEALS);
  if (seals < 0 || (seals & F_SEAL_SHRINK) == 0 || info.st_size < static_cast<off_t>(RingBytes()))
    return Fail(ErrorCode::kProtocol, "a passed ring is not a ring");
  return {};
}

bool WasReadBefore(std::span<std::byte> ring) {
  auto* header = reinterpret_cast<ring::Header*>(ring.data());
  return std::atomic_ref(header->read_position).load(std::memory_order_relaxed) != 0;
}

}  // namespace

Result<std::unique_ptr<WorkerRing>> WorkerRing::Create(WorkerId worker, std::string canvas,
                                                       const Fd& ring, RingBegins begins,
                                                       OpenTraces& shared) {
  NJ_TRY(CheckRing(ring));
  NJ_ASSIGN(Mapping mapping, Mapping::Create(ring, RingBytes(), Mapping::Access::kReadWrite));
  return std::unique_ptr<WorkerRing>(
      new WorkerRing(worker, std::move(canvas), std::move(mapping), begins, shared));
}

WorkerRing::WorkerRing(WorkerId worker, std::string canvas, Mapping mapping, RingBegins begins,
                       OpenTraces& shared)
    : worker_(worker),
      canvas_(std::move(canvas)),
      mapping_(std::move(mapping)),
      shared_(shared),
      consumer_(mapping_.bytes(), RingConsumer::Freeing::kWhenTold),
      next_begins_(consumer_.position()),
      resumed_(begins == RingBegins::kAnywhere || WasReadBefore(mapping_.bytes())) {}

void WorkerRing::Begin(const RunId& run, proto::RunBegan began) {
  auto [at, fresh] = open_.try_emplace(run);
  if (!fresh) return;
  OpenRun& open = at->second;
  open.trace = std::make_unique<OpenTrace>(run, std::move(began), shared_);
  auto early = std::find_if(early_.begin(), early_.end(),
                            [&](const EarlyRun& candidate) { return candidate.run == run; });
  if (early == early_.end()) {
    if (!early_.empty() && !resumed_) Condemn("a run that was not given to this worker");
    early_.clear();
    return;
  }
  bool last = early + 1 == early_.end();
  open.begins = early->begins;
  for (const std::string& event : early->events) Append(*open.trace, event, *ReadEventHead(event));
  early_.erase(early);
  current_ = last ? open.trace.get() : nullptr;
}

std::unique_ptr<OpenTrace> WorkerRing::End(const RunId& run) {
  auto at = open_.find(run);
  if (at == open_.end()) return nullptr;
  // What comes before it is of a run that everybody else has given up.
  if (resumed_ && !at->second.trace->started()) early_.clear();
  // A later run's RunStart has been seen when there are early events: then this one is complete.
  // Otherwise its last record was published before its end was told, and at most a full stream lies
  // before that.
  size_t taken = 0;
  while (taken < bounds::kRingStreamBytes) {
    size_t more = Drain(bounds::kDrainChunkBytes);
    if (more == 0) break;
    taken += more;
  }
  std::unique_ptr<OpenTrace> ended = std::move(at->second.trace);
  if (current_ == ended.get()) current_ = nullptr;
  open_.erase(at);
  return ended;
}

uint64_t WorkerRing::ended_at() const {
  uint64_t end = early_.empty() ? consumer_.position() : early_.front().begins;
  for (const auto& [id, run] : open_)
    if (run.begins) end = std::min(end, *run.begins);
  return end;
}

void WorkerRing::Free(uint64_t position) {
  if (condemned_.empty()) consumer_.Free(position);
}

std::vector<RunId> WorkerRing::open_runs() const {
  std::vector<RunId> runs;
  for (const auto& [id, run] : open_) runs.push_back(id);
  return runs;
}

size_t WorkerRing::Drain(size_t bytes_max) {
  if (!condemned_.empty() || !early_.empty()) return 0;
  auto taken = consumer_.Drain(
      [this](std::span<const std::byte> record) {
        OnRecord({reinterpret_cast<const char*>(record.data()), record.size()});
      },
      bytes_max);
  if (!taken) {
    Condemn(taken.error().context);
    return 0;
  }
  if (consumer_.kept() > bounds::kRingKeptBytes) consumer_.Free(consumer_.position());
  return *taken;
}

void WorkerRing::OnRecord(std::string_view event) {
  const uint64_t begins = std::exchange(next_begins_, consumer_.position());
  if (!condemned_.empty()) return;  // the rest of the chunk
  auto head = ReadEventHead(event);
  if (!head) return Condemn("a trace record that is not an event");
  if (head->starts) OnStart(*head->starts, begins);
  if (!condemned_.empty()) return;
  if (!early_.empty()) {
    early_.back().events.emplace_back(event);
    return;
  }
  if (current_ == nullptr) {
    if (!resumed_) return Condemn("events of no run");
    Adopt(begins);
  }
  if (current_ != nullptr) Append(*current_, event, *head);
}

void WorkerRing::OnStart(const RunId& run, uint64_t begins) {
  auto at = open_.find(run);
  bool seen = at != open_.end() && at->second.trace->started();
  if (seen && !resumed_) return Condemn("a run that started twice");
  current_ = nullptr;
  if (at != open_.end()) {
    GoOnWith(at->second, begins);
    if (resumed_) early_.clear();  // of runs that everybody else has given up
    return;
  }
  // Its RunBegan may be on its way, unless an earlier one says that another run is next.
  bool other_next = std::any_of(open_.begin(), open_.end(), [](const auto& open) {
    return open.second.trace->records() && !open.second.trace->started();
  });
  if (other_next && !resumed_) return Condemn("a run that was not given to this worker");
  early_.push_back({run, begins, {}});
}

// The stream begins in the middle of a run: of the one that the worker says is going on, or of the
// only one.
void WorkerRing::Adopt(uint64_t begins) {
  auto at = open_.find(ReadRingCounters(mapping_.bytes()).run);
  if (at == open_.end() && open_.size() == 1) at = open_.begin();
  if (at != open_.end()) GoOnWith(at->second, begins);
}

// The stream is at the run's events from `begins` on.
void WorkerRing::GoOnWith(OpenRun& run, uint64_t begins) {
  current_ = run.trace.get();
  if (!run.begins) run.begins = begins;
}

void WorkerRing::Append(OpenTrace& trace, std::string_view event, const EventHead& head) {
  if (!condemned_.empty()) return;
  if (Status appended = trace.Append(event, head); !appended) Condemn(appended.error().context);
}

void WorkerRing::Condemn(std::string_view why) {
  condemned_ = why;
  early_.clear();
  std::string run = current_ != nullptr ? current_->run().ToString() : "";
  LogWarning("ring_condemned",
             {{"run", run}, {"worker", worker_}, {"canvas", canvas_}, {"why", why}});
}

}  // namespace nightjar
