#include "supervisor/app/connection_store.h"

#include <algorithm>

#include "ipc/core/bounds.h"
#include "ipc/core/log.h"
#include "supervisor/app/passed_sockets.h"

namespace nightjar {

ConnectionStore::ConnectionStore(Loop& loop, const Clock& clock, ServiceManager& manager,
                                 std::function<void(std::vector<Fd>)> given_back)
    : loop_(loop),
      clock_(clock),
      manager_(manager),
      given_back_(std::move(given_back)),
      turn_(loop, [this] { Turn(); }) {}

// The manager has a copy of each: until it forgets them a client would not see one closed.
std::vector<Fd> ConnectionStore::TakeBack() {
  std::vector<Fd> kept = manager_.TakeConnections();
  std::vector<Fd> sound;
  if (kept.empty()) return sound;
  for (Fd& fd : kept) {
    auto connection = CheckConnection(std::move(fd));
    if (connection)
      sound.push_back(std::move(*connection));
    else
      LogWarning("connection_refused", {{"why", connection.error().ToString()}});
  }
  LogInfo("connections_taken_back", {{"connections", sound.size()}});
  to_forget_ = true;
  Turn();
  return sound;
}

bool ConnectionStore::keeps() const {
  return manager_.connections_kept_max() > 0 && !to_forget_ && !deaf_;
}

// Handed over in the next turn, together with what else comes in this one.
void ConnectionStore::Keep(Fd connection) {
  if (waiting_.empty()) {
    taken_at_ = clock_.Mono();
    turn_.StartAt(MonoTime{});
  }
  waiting_.push_back(std::move(connection));
}

void ConnectionStore::Turn() {
  if (to_forget_) {
    // Nothing is kept meanwhile, so this one may take as long as it does.
    to_forget_ = !manager_.ForgetConnections();
    if (to_forget_) TryAgain();
  }
  if (!waiting_.empty() && !HandOver()) return TryAgain();
  if (read_ && waiting_.empty()) SendBarrier();
}

// False: the rest may be tried again.
bool ConnectionStore::HandOver() {
  while (!waiting_.empty()) {
    size_t room = keeps() ? manager_.connections_kept_max() - kept_ : 0;
    size_t count = std::min({waiting_.size(), room, bounds::kFdsPerNotice});
    if (count == 0) {
      GiveBack();
      return true;
    }
    if (!manager_.Keep(std::span(waiting_).first(count))) {
      deaf_ = clock_.Mono() - taken_at_ > bounds::kManagerWait;
      if (!deaf_) return false;
      LogWarning("service_manager_deaf",
                 {{"message", "FDSTORE=1"},
                  {"error", FailErrno("handing connections over").value().ToString()}});
      continue;
    }
    taken_at_ = clock_.Mono();
    kept_ += count;
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(count));
  }
  return true;
}

void ConnectionStore::GiveBack() {
  LogWarning("connections_not_kept", {{"connections", waiting_.size()}});
  std::vector<Fd> back;
  back.swap(waiting_);
  given_back_(std::move(back));
}

void ConnectionStore::Finish(std::function<void()> read) {
  read_ = std::move(read);
  taken_at_ = clock_.Mono();
  turn_.StartAt(MonoTime{});
}

void ConnectionStore::SendBarrier() {
  if (kept_ == 0 || deaf_) return Done();
  if (clock_.Mono() - taken_at_ > bounds::kManagerWait) {
    LogWarning("service_manager_deaf", {{"message", "BARRIER=1"}, {"error", "it did not answer"}});
    return Done();
  }
  if (!barrier_) {
    auto pipe = MakePipe();
    if (!pipe) return Done();
    barrier_ = std::move(*pipe);
    barrier_watch_.emplace(loop_, barrier_->read.get(), [this](unsigned) { Done(); });
    barrier_watch_->Start(FdWatch::kReadable);
  }
  if (barrier_->write.valid() && manager_.Barrier(barrier_->write)) barrier_->write.Close();
  TryAgain();
}

void ConnectionStore::Done() {
  barrier_watch_.reset();
  turn_.Stop();
  // A slow client's answer may have gone out meanwhile.
  if (!waiting_.empty()) HandOver();
  if (kept_ > 0) LogInfo("connections_kept", {{"connections", kept_}});
  if (read_) std::exchange(read_, nullptr)();
}

void ConnectionStore::TryAgain() {
  turn_.StartAfter(bounds::kManagerRetry);
}

}  // namespace nightjar
