#include "supervisor/proc/zygote_connection.h"

#include <sys/wait.h>

#include <cerrno>
#include <utility>

#include "ipc/core/bounds.h"
#include "ipc/core/log.h"
#include "ipc/proto/worker.pb.h"

namespace nightjar {
namespace {

// A process that this one can wait for: whoever watches it relies on that.
bool IsChild(const Fd& pidfd) {
  siginfo_t info{};
  constexpr int kLook = WEXITED | WNOHANG | WNOWAIT | __WALL;
  return waitid(P_PIDFD, static_cast<id_t>(pidfd.get()), &info, kLook) == 0;
}

tl::unexpected<Error> Away() {
  return Fail(ErrorCode::kUnavailable, "the zygote is away; it is being restarted");
}

}  // namespace

void ZygoteConnection::Connect(Channel channel) {
  ++connects_;
  channel_.emplace(std::move(channel));
  watch_ = std::make_unique<FdWatch>(loop_, channel_->fd(), [this](unsigned) { OnReadable(); });
  watch_->Start(FdWatch::kReadable);
}

void ZygoteConnection::Disconnect() {
  watch_.reset();
  channel_.reset();
  auto asked = std::move(asked_);
  asked_.clear();
  for (auto& [worker, done] : asked) done(Away());
}

void ZygoteConnection::Spawn(const SpawnRequest& request,
                             std::function<void(Result<SpawnedProcess>)> done) {
  // In a later turn: the caller has not told anyone yet what it is waiting for.
  auto later = [this, done](Error error) {
    loop_.Post([done, error = std::move(error)] { done(tl::unexpected<Error>(error)); });
  };
  if (!channel_) return later(Away().value());
  if (asked_.size() >= bounds::kSpawnsAsked)
    return later({ErrorCode::kExhausted, 0, "too many workers are being started"});
  proto::SpawnWorker message;
  message.set_worker_id(request.worker);
  message.set_uid(request.uid);
  message.set_cpu_seconds_max(request.cpu_seconds_max);
  message.set_tmp_bytes(request.tmp_bytes);
  message.set_data_bytes_max(request.data_bytes_max);
  message.set_processes_max(request.processes_max);
  message.mutable_denied_calls()->Add(request.denied_calls.begin(), request.denied_calls.end());
  std::vector<int> fds{request.control_fd, request.ring_fd};
  for (const SpawnRequest::Door& door : request.doors) {
    message.add_cells(door.born_into ? proto::CELL_DIR_BORN_INTO : proto::CELL_DIR_ENTERED);
    fds.push_back(door.dir_fd);
  }
  if (Status sent = channel_->Send(message, fds); !sent) {
    // A socket that is full before the bound: as good a no. Of a dead one the end is about to be
    // seen.
    if (sent.error().sys == EPIPE || sent.error().sys == ECONNRESET) LoseLater();
    return later(sent.error());
  }
  asked_.emplace(request.worker, std::move(done));
}

void ZygoteConnection::LoseLater() {
  loop_.Post([this, lost = connects_] {
    if (connects_ == lost) Disconnect();
  });
}

void ZygoteConnection::OnReadable() {
  while (channel_) {
    auto packet = channel_->Receive();
    if (!packet) {
      LogWarning("zygote_disconnected", {{"error", packet.error().ToString()}});
      return Disconnect();
    }
    if (!*packet) return;
    auto answer = (*packet)->Parse<proto::WorkerSpawned>();
    if (!answer) return Disconnect();
    auto at = asked_.find(answer->worker_id());
    if (at == asked_.end()) continue;
    auto done = std::move(at->second);
    asked_.erase(at);
    if (!answer->failed_step().empty())
      done(tl::unexpected<Error>(Error{ErrorCode::kUnavailable, answer->error(),
                                       "the zygote failed at " + answer->failed_step()}));
    else if ((*packet)->fds.size() != 1 || !IsChild((*packet)->fds[0]))
      done(Fail(ErrorCode::kProtocol, "the zygote sent no process"));
    else
      // Its number here is nobody's business but an operator's: Child finds it out when one asks.
      done(SpawnedProcess{std::move((*packet)->fds[0]), 0});
  }
}

}  // namespace nightjar
