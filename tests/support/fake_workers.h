// Workers that a test plays: real sockets and a real process that does nothing, no zygote and no
// cgroup. The supervisor's side of them is the product's own.
//
// FakeZygote answers a Spawn in a later turn, as the real one does. By default the worker is then
// sealed and armed by itself; set `manner` before the spawn to be asked less or to fail. A killed
// cell ends its process. One thread; outlives the factory that uses it.
#pragma once

#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "ipc/core/check.h"
#include "ipc/proto/worker.pb.h"
#include "ipc/wire/channel.h"
#include "supervisor/loop/loop.h"
#include "supervisor/proc/zygote_client.h"
#include "tests/support/fake_cells.h"
#include "tests/support/stand_in.h"

namespace nightjar::testing {

class FakeWorker {
 public:
  FakeWorker(const SpawnRequest& request, Fd control, Fd ring, FakeCell* cell)
      : id(request.worker),
        uid(request.uid),
        cpu_seconds_max(request.cpu_seconds_max),
        tmp_bytes(request.tmp_bytes),
        ring(std::move(ring)),
        cell(cell),
        channel_(std::in_place, std::move(control), Channel::Waiting::kNo) {
    // Either may be gone first, this or the cell.
    cell->on_kill = [this, alive = std::weak_ptr<bool>(alive_)] {
      if (!alive.expired() && born) process.Signal(SIGKILL);
    };
  }

  // Its process is there and in the cell.
  void BeBorn() {
    born = true;
    cell->empty = false;
  }
  void Say(const proto::FromWorker& message, std::initializer_list<int> fds = {}) {
    CHECK(channel_->Send(message, fds).has_value());
  }
  void SaySealed() {
    proto::FromWorker message;
    message.mutable_sealed();
    Say(message);
  }
  // With the listener of its denied calls, or what it claims to be one.
  void SaySealedWith(int listener) {
    proto::FromWorker message;
    message.mutable_sealed();
    Say(message, {listener});
  }
  void SayArmed() {
    proto::FromWorker message;
    message.mutable_armed();
    Say(message);
  }
  void SayBytes(std::string_view bytes) {
    CHECK(send(channel_->fd(), bytes.data(), bytes.size(), 0) ==
          static_cast<ssize_t>(bytes.size()));
  }
  // What it was told and has not heard yet; nullopt: nothing.
  std::optional<proto::ToWorker> Hear() {
    if (!channel_) return std::nullopt;
    auto packet = channel_->Receive();
    if (!packet || !*packet) return std::nullopt;
    auto message = (*packet)->Parse<proto::ToWorker>();
    CHECK(message.has_value());
    heard_fds = std::move((*packet)->fds);
    return *message;
  }
  // The newest run it was told to do, now or before; none: it has no id.
  const proto::Run& HearRun() {
    while (auto message = Hear())
      if (message->has_run()) run_ = message->run();
    return run_;
  }
  void HangUp() { channel_.reset(); }
  // Its process ends; nothing of it is left in the cell.
  void Exit(int code) {
    cell->empty = true;
    process.Exit(code);
  }
  void Die(int signal) {
    cell->empty = true;
    process.Signal(signal);
  }

  const WorkerId id;
  const uint32_t uid;
  const uint64_t cpu_seconds_max;
  const uint64_t tmp_bytes;
  Fd ring;
  FakeCell* cell;  // dangling once `released`
  bool released = false;
  bool born = false;
  StandIn process;
  std::vector<Fd> heard_fds;  // of the message heard last

 private:
  std::optional<Channel> channel_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  proto::Run run_;
};

class FakeZygote final : public ZygoteClient {
 public:
  enum class Manner {
    kArms,   // born, sealed and armed
    kBears,  // born, and the test speaks for it
    kHolds,  // not answered until Answer()
    kFails,
  };
  Manner manner = Manner::kArms;
  bool connected = true;
  std::vector<std::unique_ptr<FakeWorker>> workers;  // in the order of the spawns

  FakeZygote(Loop& loop, FakeCellTree& cells) : loop_(loop), cells_(cells) {
    cells_.on_release = [this](const Cell& cell) {
      for (auto& worker : workers)
        if (worker->cell == &cell) worker->released = true;
    };
  }
  ~FakeZygote() override { cells_.on_release = nullptr; }

  FakeWorker& last() { return *workers.back(); }

  void Spawn(const SpawnRequest& request,
             std::function<void(Result<SpawnedProcess>)> done) override {
    Fd control(fcntl(request.control_fd, F_DUPFD_CLOEXEC, 3));
    Fd ring(fcntl(request.ring_fd, F_DUPFD_CLOEXEC, 3));
    workers.push_back(
        std::make_unique<FakeWorker>(request, std::move(control), std::move(ring), &cells_.last()));
    held_.emplace_back(request.worker, std::move(done));
    if (manner != Manner::kHolds)
      loop_.Post([this, manner = manner, id = request.worker] { Answer(id, manner); });
  }
  bool ready() const override { return connected; }

  // The spawn of this worker is answered now.
  void Answer(WorkerId id, Manner manner) {
    auto at = std::find_if(held_.begin(), held_.end(), [&](auto& one) { return one.first == id; });
    CHECK(at != held_.end());
    auto done = std::move(at->second);
    held_.erase(at);
    if (manner == Manner::kFails)
      return done(Fail(ErrorCode::kUnavailable, "the zygote failed at clone3"));
    FakeWorker& worker =
        **std::find_if(workers.begin(), workers.end(), [&](auto& one) { return one->id == id; });
    auto pidfd = worker.process.pidfd().Duplicate();
    CHECK(pidfd.has_value());
    if (!worker.released) worker.BeBorn();
    if (manner == Manner::kArms) {
      worker.SaySealed();
      worker.SayArmed();
    }
    done(SpawnedProcess{std::move(*pidfd), worker.process.pid()});
  }

 private:
  Loop& loop_;
  FakeCellTree& cells_;
  std::vector<std::pair<WorkerId, std::function<void(Result<SpawnedProcess>)>>> held_;
};

}  // namespace nightjar::testing
