// The nest: the pid namespace that the zygote and all workers live in, and that dies with the
// supervisor.
//
// A worker has a user of its own, so the kernel refuses it the death signal of a parent without
// privileges (PR_SET_PDEATHSIG asks for the same permission as kill(2)). It asks nobody before it
// ends a pid namespace whose first process is gone, though: and the first process of this one does
// nothing but wait for the supervisor's end of a socket to close. For the launcher, from its one
// thread. A nest that was killed takes everything in it along; the next Inside() makes another.
#pragma once

#include <sys/types.h>

#include <functional>

#include "ipc/core/fd.h"
#include "ipc/core/result.h"

namespace nightjar {

class Nest {
 public:
  // `watched_fd`: a socket whose other end the supervisor alone holds. Borrowed, outlives this.
  explicit Nest(int watched_fd) : watched_fd_(watched_fd) {}

  // Calls `start` once, on a thread of its own whose children are born in the nest, and returns
  // when it did. A thread, because nobody has to come back from there: the namespace around belongs
  // to the host, and only the host's root may enter it again.
  Status Inside(const std::function<void()>& start);

 private:
  Status EnsureAlive();

  const int watched_fd_;
  Fd first_;  // pidfd of the nest's first process; reaped here
};

}  // namespace nightjar
