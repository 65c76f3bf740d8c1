// The nest: the pid namespace that the zygote and all workers live in, and that dies with the
// supervisor.
//
// A worker has a user of its own, so the kernel refuses it the death signal of a parent without
// privileges (PR_SET_PDEATHSIG asks for the same permission as kill(2)). It asks nobody before it
// ends a pid namespace whose first process is gone, though: and the first process of this one does
// nothing but wait for the supervisor's end of a socket to close, and where that is its duty too,
// obey the orders that come over it (nest_orders.h). For the launcher, from its one thread. A nest
// that was killed takes everything in it along; the next Inside() makes another.
#pragma once

#include <sys/types.h>

#include <functional>

#include "ipc/core/fd.h"
#include "ipc/core/result.h"

namespace nightjar {

// One packet of the watched socket: SIGKILL to all processes of this user in the nest. The answer,
// once they have the signal, is the ticket. Both ends are of one program.
struct NestOrder {
  uint64_t ticket;
  uint32_t uid;
};

enum class NestDuty { kWatch, kWatchAndKill };

class Nest {
 public:
  // `watched_fd`: a socket whose other end the supervisor alone holds. Borrowed, outlives this.
  Nest(int watched_fd, NestDuty duty) : watched_fd_(watched_fd), duty_(duty) {}

  // Calls `start` once, on a thread of its own whose children are born in the nest, and returns
  // when it did. A thread, because nobody has to come back from there: the namespace around belongs
  // to the host, and only the host's root may enter it again.
  Status Inside(const std::function<void()>& start);

 private:
  Status EnsureAlive();

  const int watched_fd_;
  const NestDuty duty_;
  Fd first_;  // pidfd of the nest's first process; reaped here
};

}  // namespace nightjar
