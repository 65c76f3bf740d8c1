#include "supervisor/proc/nest_orders.h"

#include <sys/socket.h>

#include "ipc/core/bounds.h"

namespace nightjar {

NestOrders::NestOrders(Loop& loop, Fd life)
    : life_(std::move(life)), watch_(loop, life_.get(), [this](unsigned) { OnReadable(); }) {
  watch_.Start(FdWatch::kReadable);
}

Result<uint64_t> NestOrders::KillUser(uint32_t uid) {
  if (waiting_.size() >= bounds::kKillsAsked)
    return Fail(ErrorCode::kExhausted, "the nest does not keep up with the kills");
  waiting_.push_back({++last_, uid});
  Flush();
  return last_;
}

// A full socket is drained by the nest, whose answer comes here.
void NestOrders::Flush() {
  while (!waiting_.empty()) {
    ssize_t put =
        send(life_.get(), &waiting_.front(), sizeof(NestOrder), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0 && errno == EAGAIN) return;
    if (put < 0) return Lost();
    waiting_.pop_front();
  }
}

void NestOrders::OnReadable() {
  for (;;) {
    uint64_t ticket = 0;
    ssize_t got = recv(life_.get(), &ticket, sizeof ticket, MSG_DONTWAIT);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) break;
    if (got != sizeof ticket) return Lost();
    done_ = ticket;
  }
  Flush();
}

void NestOrders::Lost() {
  watch_.Stop();
  waiting_.clear();
  done_ = UINT64_MAX;
}

}  // namespace nightjar
