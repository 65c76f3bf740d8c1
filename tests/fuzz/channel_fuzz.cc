// What a worker or a zygote says to the supervisor, packet by packet with descriptors, until it is
// gone: in a run, in a deploy, or as the answers to spawns. The first byte says which.
//
// The supervisor's side is the product's own, from the socket to the answer's head; cells, the
// journal and the process are played. Whatever is said, each run has one verdict, one answer of
// bounded size, and one end in the journal that fits a frame.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ipc/core/bounds.h"
#include "ipc/core/utf8.h"
#include "ipc/proto/writer.pb.h"
#include "supervisor/proc/zygote_connection.h"
#include "supervisor/run/compile_run.h"
#include "supervisor/run/deployer.h"
#include "supervisor/run/run_service.h"
#include "tests/fuzz/answer_head.h"
#include "tests/fuzz/must.h"
#include "tests/fuzz/packets.h"
#include "tests/fuzz/quiet.h"
#include "tests/fuzz/script.h"
#include "tests/fuzz/sleeper.h"
#include "tests/support/fake_cells.h"
#include "tests/support/fake_journal.h"
#include "tests/support/revisions.h"

namespace nightjar {
namespace {

using fuzz::Must;
using fuzz::Script;

constexpr size_t kOutputBytes = 64 * bounds::kKiB;

Loop& TheLoop() {
  static Loop* loop = Loop::Create()->release();
  return *loop;
}

// Everything that is ready now.
void Turn() {
  TheLoop().Post([] { TheLoop().Stop(); });
  TheLoop().Run();
}

template <typename Fact>
void Until(Fact fact, const char* what) {
  if (fact()) return;
  Timer patience(TheLoop(), [&] { Must(false, what); });
  patience.StartAfter(std::chrono::seconds(10));
  while (!fact()) {
    Timer soon(TheLoop(), [] { TheLoop().Stop(); });
    soon.StartAfter(std::chrono::microseconds(50));
    TheLoop().Run();
  }
}

// The worker's process, its end of the socket, and a zygote that makes one after the other.
class Played final : public ZygoteClient {
 public:
  explicit Played(FakeCellTree& cells) : cells_(cells) {
    cells_.on_release = [this](const Cell& cell) {
      if (&cell == cell_) cell_ = nullptr;
    };
  }
  ~Played() override { cells_.on_release = nullptr; }

  void Spawn(const SpawnRequest& request,
             std::function<void(Result<SpawnedProcess>)> done) override {
    socket_ = Fd(fcntl(request.control_fd, F_DUPFD_CLOEXEC, 3));
    process_ = std::make_unique<fuzz::Sleeper>();
    cell_ = &cells_.last();
    cell_->empty = false;
    cell_->on_kill = [this] { process_->Signal(SIGKILL); };
    TheLoop().Post([this, done = std::move(done)] {
      done(SpawnedProcess{std::move(*process_->pidfd().Duplicate()), 0});
    });
  }
  bool ready() const override { return true; }

  void Step(Script& script, const std::string& run_id) {
    switch (script.Byte() % 6) {
      case 0: {
        std::string bytes(script.Text());
        return Say(bytes, script);
      }
      case 1: {
        std::string bytes = Message(script, run_id).SerializeAsString();
        return Say(bytes, script);
      }
      case 2:
        return Turn();
      case 3:
        return socket_.Close();
      case 4:
        return Die(script.Byte() % 2 == 0 ? SIGKILL : SIGVTALRM);
      default:
        if (cell_ == nullptr) return;
        cell_->usage.cpu_us = script.Long();
        cell_->usage.oom_kills = script.Byte();
        cell_->usage.pids_denied = script.Byte();
    }
  }
  void SayArmed() {
    proto::FromWorker message;
    message.mutable_armed();
    fuzz::SendPacket(socket_, message.SerializeAsString(), {});
  }
  void Die(int signal) {
    if (!process_) return;
    if (cell_ != nullptr) cell_->empty = true;
    process_->Signal(signal);
  }

 private:
  void Say(const std::string& bytes, Script& script) {
    if (!process_ || !socket_.valid()) return;
    fuzz::SendPacket(socket_, bytes, fuzz::TakeFds(script, process_->pidfd()));
  }
  // Nearly right; what follows in the script is merged into it.
  static proto::FromWorker Message(Script& script, const std::string& run_id) {
    proto::FromWorker message;
    std::string id = script.Byte() % 8 != 0 ? run_id : std::string(script.Text());
    switch (script.Byte() % 6) {
      case 0:
        message.mutable_sealed();
        break;
      case 1:
        message.mutable_armed();
        break;
      case 2: {
        proto::Finished& finished = *message.mutable_finished();
        finished.set_run_id(id);
        finished.set_status(script.Byte() * 4);
        finished.set_body_memfd_bytes(script.Byte());
        if (script.Byte() % 16 == 0) finished.set_body(std::string(kOutputBytes + 1, 'x'));
        break;
      }
      case 3: {
        proto::LimitHit& hit = *message.mutable_limit_hit();
        hit.set_run_id(id);
        hit.set_limit(static_cast<proto::SelfLimit>(script.Byte()));
        hit.set_measured(script.Long());
        break;
      }
      case 4: {
        proto::Compiled& compiled = *message.mutable_compiled();
        compiled.set_program_bytes(script.Byte());
        proto::HandlerEntry& handler = *compiled.mutable_manifest()->add_handlers();
        handler.set_kind(proto::HANDLER_KIND_HTTP);
        handler.set_method("GET");
        handler.set_route("/a");
        break;
      }
      default: {
        message.mutable_died()->set_run_id(id);
        message.mutable_died()->set_signal(script.Byte());
      }
    }
    proto::FromWorker more;
    if (more.ParseFromString(std::string(script.Text()))) message.MergeFrom(more);
    return message;
  }

  FakeCellTree& cells_;
  Fd socket_;
  std::unique_ptr<fuzz::Sleeper> process_;
  FakeCell* cell_ = nullptr;  // the factory's, until it is released
};

struct Rig {
  SystemClock clock;
  FakeCellTree cells;
  Played worker{cells};
  testing::FakeJournal journal;
  policy::Limits limits;
  WorkerFactory factory{TheLoop(), clock, cells, {worker, worker}, journal, UidRange(70'000, 64)};

  Rig() {
    limits.armed.value = 0;
    limits.wall.value = limits.cpu.value = limits.queue_time.value = std::chrono::seconds(60);
    limits.output_bytes.value = kOutputBytes;
  }
  void Bury() {
    DieUntil([&] { return factory.live() == 0; }, "nothing is left of a worker that is gone");
    Turn();
  }
  // A start that somebody else killed is tried again: whoever comes next dies too.
  template <typename Fact>
  void DieUntil(Fact fact, const char* what) {
    auto after_death = [&] {
      worker.Die(SIGKILL);
      return fact();
    };
    Until(after_death, what);
  }
};

template <typename T>
void MustFitAFrame(T&& set) {
  proto::ToWriter message;
  message.set_ticket(UINT64_MAX);
  set(message);
  std::string bytes = message.SerializeAsString();
  Must(bytes.size() <= bounds::kFrameBytes, "what the writer is told fits a frame");
  Must(proto::ToWriter().ParseFromString(bytes), "what the writer is told parses");
}

void CheckRun(const Rig& rig, RunResult& result) {
  Must(result.verdict != proto::VERDICT_UNSPECIFIED && proto::Verdict_IsValid(result.verdict),
       "a run has a verdict");
  Must(result.body.size() <= kOutputBytes, "an answer is bounded");
  Must(result.detail.size() <= bounds::kVerdictDetailBytes &&
           Utf8PrefixSize(result.detail, result.detail.size()) == result.detail.size(),
       "a verdict's detail is a short text");
  Must(rig.journal.began.size() <= 1 && rig.journal.ended.size() == 1, "a run ends once");
  MustFitAFrame([&](auto& message) { *message.mutable_run_ended() = rig.journal.ended[0]; });
  fuzz::MustBeOneHead(result.status, std::move(result.headers), std::move(result.body));
}

void ServeRun(Script& script) {
  Rig rig;
  WorkerPool pool(TheLoop(), rig.clock, rig.factory,
                  [&](const std::string&) { return rig.limits; });
  Metrics metrics;
  RunService runs(TheLoop(), rig.clock, pool, rig.journal, metrics, nullptr);
  RunOrder order;
  order.id = *RunId::FromBytes("rrrrrrrrrrrrrrrr");
  order.revision = testing::SomeRevision("fuzz", 1);
  order.handler = order.revision->manifest.handlers(0);
  order.limits = rig.limits;
  order.message.mutable_http()->set_method("GET");
  order.received = rig.clock.Mono();
  order.received_wall = rig.clock.Wall();
  std::string run_id(order.id.bytes());
  std::vector<RunResult> results;
  order.done = [&](RunResult result) { results.push_back(std::move(result)); };
  runs.Start(std::move(order));
  Turn();
  // Most are about what a worker says of a run, so this much is often given.
  if (script.Byte() % 4 != 0) {
    rig.worker.SayArmed();
    Turn();
  }
  while (!script.done()) rig.worker.Step(script, run_id);
  Turn();
  rig.DieUntil([&] { return !results.empty(); }, "a run whose worker is gone is answered");
  pool.Close();
  rig.Bury();
  Must(results.size() == 1, "a run is answered once");
  CheckRun(rig, results[0]);
}

void Compile(Script& script) {
  Rig rig;
  std::vector<CompileResult> results;
  int gone = 0;
  CompileRun run(
      {TheLoop(), rig.clock, rig.factory, nullptr}, CompileRun::LimitsFrom(rig.limits),
      [&](CompileResult result) { results.push_back(std::move(result)); },
      [&](CompileRun*) { ++gone; });
  Must(run.Start("fuzz", {"fuzz.dark", "text", false}, nullptr).has_value(),
       "a compile run starts");
  Turn();
  while (!script.done()) rig.worker.Step(script, "");
  Turn();
  rig.Bury();
  Must(results.size() == 1 && gone == 1, "a compile run ends once");
  CompileResult& result = results[0];
  Must(result.manifest.has_value() || result.verdict.has_value() || !result.diagnostics.empty(),
       "it ends with something");
  if (!result.manifest) return;
  auto revision = Deployer::MakeRevision("fuzz", 1, std::move(*result.manifest),
                                         std::move(result.program), result.program_bytes, 1);
  if (!revision) return;
  for (const char* path : {"/", "/a", "/a/b", "//", "/%41/%"}) {
    RouteMatch match = (*revision)->router.Match("GET", path);
    Must(match.kind != RouteMatch::Kind::kFound || (*revision)->Handler(match.tlid) != nullptr,
         "what is found is a handler");
  }
  MustFitAFrame([&](auto& message) {
    *message.mutable_save_revision()->mutable_manifest() = (*revision)->manifest;
    message.mutable_save_revision()->set_canvas(std::string(64, 'c'));
    message.mutable_save_revision()->set_deployed_by(std::string(64, 'd'));
  });
}

void AnswerSpawns(Script& script) {
  constexpr WorkerId kSpawns = 3;
  auto ends = SeqpacketPair();
  Must(ends.has_value(), "there can be a socket");
  fuzz::Sleeper process;
  std::vector<int> done(kSpawns + 1, 0);
  {
    ZygoteConnection connection(TheLoop());
    connection.Connect(Channel(std::move(ends->first), Channel::Waiting::kNo));
    for (WorkerId worker = 1; worker <= kSpawns; ++worker) {
      SpawnRequest request;
      request.worker = worker;
      request.control_fd = request.ring_fd = process.pidfd().get();
      connection.Spawn(request, [&done, worker](Result<SpawnedProcess> spawned) {
        ++done[worker];
        if (!spawned) return;
        siginfo_t info{};
        auto id = static_cast<id_t>(spawned->pidfd.get());
        Must(waitid(P_PIDFD, id, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) == 0,
             "a process that was spawned can be waited for");
      });
    }
    while (!script.done()) {
      std::string bytes;
      if (script.Byte() % 2 == 0) {
        bytes = script.Text();
      } else {
        proto::WorkerSpawned answer;
        answer.set_worker_id(script.Byte() % 8);
        answer.set_error(script.Byte());
        answer.set_failed_step(std::string(script.Byte() % 3, 's'));
        bytes = answer.SerializeAsString();
      }
      fuzz::SendPacket(ends->second, bytes, fuzz::TakeFds(script, process.pidfd()));
      if (script.Byte() % 2 == 0) Turn();
    }
    Turn();
    connection.Disconnect();
  }
  Turn();
  for (WorkerId worker = 1; worker <= kSpawns; ++worker)
    Must(done[worker] == 1, "each spawn is answered once");
}

}  // namespace
}  // namespace nightjar

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace nightjar;
  fuzz::BeQuiet();
  Script script({reinterpret_cast<const char*>(data), size});
  switch (script.Byte() % 4) {
    case 0:
    case 1:
      ServeRun(script);
      break;
    case 2:
      Compile(script);
      break;
    default:
      AnswerSpawns(script);
  }
  return 0;
}
