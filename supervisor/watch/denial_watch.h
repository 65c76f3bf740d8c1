// Hears of the system calls that a worker's seccomp filter denies, through the filter's listener.
//
// No answer is ever sent, so that nothing is let through: the thread stays in its call until it is
// killed. The first denied call is told, then no other: its worker must end now. Never blocks.
// Owned by a Worker, loop thread only. Destroyed, and with it the listener, only once the worker is
// gone: whoever is in a denied call when the last listener is closed goes on, with ENOSYS.
#pragma once

#include <functional>
#include <memory>

#include "ipc/core/fd.h"
#include "ipc/core/result.h"
#include "supervisor/loop/loop.h"
#include "supervisor/watch/denied_call.h"

namespace nightjar {

class DenialWatch {
 public:
  // An error is about the listener, which tells nothing any more.
  using Denied = std::function<void(Result<DeniedCall>)>;

  // kProtocol for a descriptor that is no listener: it came from a worker, and asking another kind
  // of descriptor could block.
  static Result<std::unique_ptr<DenialWatch>> Create(Loop& loop, Fd listener, Denied denied);

  void Stop() { readable_.Stop(); }

 private:
  DenialWatch(Loop& loop, Fd listener, Denied denied);
  void OnReadable();

  Fd listener_;
  Denied denied_;
  FdWatch readable_;
};

}  // namespace nightjar
