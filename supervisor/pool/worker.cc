#include "supervisor/pool/worker.h"

#include <utility>

#include "ipc/core/bounds.h"
#include "ipc/core/log.h"
#include "ipc/ring/consumer.h"
#include "ipc/ring/layout.h"

namespace nightjar {

Worker::Worker(Loop& loop, const Clock& clock, Parts parts)
    : loop_(loop),
      parts_(std::move(parts)),
      channel_(std::move(parts_.control), Channel::Waiting::kNo),
      readable_(loop, channel_.fd(), [this](unsigned) { OnReadable(); }),
      reaper_(loop, clock, *parts_.cell, [this](const Death& death) { OnReaped(death); }) {}

Worker::~Worker() = default;

void Worker::Born(SpawnedProcess process) {
  parts_.cell->Settle(process.pidfd);
  child_ = std::make_unique<Child>(loop_, std::move(process.pidfd), process.pid,
                                   [this](WaitStatus status) {
                                     // What it said before it died is still in the socket and comes
                                     // first.
                                     OnReadable();
                                     reaper_.ChildExited(status);
                                   });
  readable_.Start(FdWatch::kReadable);
  // Its end may have been decided while the zygote was still forking it: the first kill found an
  // empty cell.
  if (reaper_.dying()) reaper_.KillAgain();
}

void Worker::NeverBorn(const Death& death) {
  reaper_.NeverBorn();
  OnReaped(death);
}

void Worker::Broke(const std::string& why) {
  if (user_ != nullptr && !dying()) user_->OnBroken(why);
}

Status Worker::Send(const proto::ToWorker& message, std::initializer_list<int> fds) {
  return channel_.Send(message, fds);
}

void Worker::OnReadable() {
  for (size_t taken = 0; taken < bounds::kPacketsPerTurn; ++taken) {
    auto packet = channel_.Receive();
    if (!packet) {
      readable_.Stop();
      // An end of file is no break of contract: the exit, which says more, is about to be seen.
      bool ended = packet.error().code == ErrorCode::kUnavailable;
      if (!ended && user_ != nullptr) user_->OnBroken(packet.error().ToString());
      return;
    }
    if (!*packet) return;
    // It may have entered its cell after the kill; by its first word it is inside.
    if (reaper_.dying()) reaper_.KillAgain();
    auto message = (*packet)->Parse<proto::FromWorker>();
    if (!message || message->kind_case() == proto::FromWorker::KIND_NOT_SET) {
      readable_.Stop();
      if (user_ != nullptr) user_->OnBroken("a packet on its control socket does not parse");
      return;
    }
    if (message->has_sealed() && !OnSealed(std::move((*packet)->fds))) return;
    if (user_ == nullptr) continue;
    user_->OnMessage(std::move(*message), std::move((*packet)->fds));
  }
}

// The first time nothing of a tenant has run yet.
bool Worker::OnSealed(std::vector<Fd> fds) {
  if (std::exchange(sealed_, true)) {
    Broke("it was sealed twice");
    return false;
  }
  if (fds.empty()) return true;
  auto denials = DenialWatch::Create(
      loop_, std::move(fds[0]), [this](Result<DeniedCall> call) { OnDenied(std::move(call)); });
  if (denials)
    denials_ = std::move(*denials);
  else
    Broke(denials.error().ToString());
  return denials.has_value();
}

void Worker::OnDenied(Result<DeniedCall> call) {
  // It may have answered before, and then made the call.
  OnReadable();
  if (dying()) return;
  if (!call) return Broke(call.error().ToString());
  if (user_ == nullptr) return reaper_.Kill(Reaper::Sample::kRunning);
  user_->OnDenied(*call);
}

Worker::Traced Worker::TracedOf(const RunId& run) const {
  auto ring = Mapping::Create(parts_.ring, RingBytes(), Mapping::Access::kRead);
  if (!ring) {
    LogError("ring_unread", {{"run", run.ToString()}, {"error", ring.error().ToString()}});
    return {};
  }
  RingCounters counters = ReadRingCounters(ring->bytes());
  if (counters.run != run) return {};
  return {counters.events, counters.bytes, counters.dropped};
}

void Worker::OnReaped(const Death& death) {
  readable_.Stop();
  if (denials_) denials_->Stop();
  if (user_ != nullptr) user_->OnGone(death);
}

}  // namespace nightjar
