// The supervisor's side of the nest: the life line, and what is asked of the nest's first process
// over it.
//
// There is one order: kill every process of a user in the nest. It is for hosts with v1 control
// groups alone, where nothing kills a group and the supervisor may not signal a worker
// (docs/adr/0014-kill-by-user.md). Nobody is waited for: an order has a ticket, and done() tells
// how far the nest has come. Loop thread only.
#pragma once

#include <cstdint>
#include <deque>

#include "ipc/core/fd.h"
#include "ipc/core/result.h"
#include "supervisor/loop/loop.h"
#include "supervisor/proc/nest.h"

namespace nightjar {

class NestOrders {
 public:
  // `life`: closing it ends the nest and all that is in it.
  NestOrders(Loop& loop, Fd life);

  // The ticket; tickets grow. kExhausted beyond bounds::kKillsAsked.
  Result<uint64_t> KillUser(uint32_t uid);
  // This one and all before it are done: no signal of theirs is still on its way.
  uint64_t done() const { return done_; }

 private:
  void OnReadable();
  void Flush();
  // Both ends of the other side are closed: what was in the nest is dead.
  void Lost();

  Fd life_;
  FdWatch watch_;
  std::deque<NestOrder> waiting_;  // for room in the socket
  uint64_t last_ = 0;
  uint64_t done_ = 0;
};

}  // namespace nightjar
