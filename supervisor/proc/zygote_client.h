// Asks the zygote for workers and watches over their processes.
//
// The supervisor is every worker's parent (CLONE_PARENT), so it alone reaps them, through pidfds,
// never by number. Loop thread only.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "ipc/core/fd.h"
#include "ipc/core/ids.h"
#include "ipc/core/result.h"
#include "supervisor/loop/loop.h"

namespace nightjar {

// How a process ended. Exactly one of the two is meaningful.
struct WaitStatus {
  int signal = 0;     // != 0: ended by this signal
  int exit_code = 0;  // else: exited with this
};

// One child process through its pidfd.
class Child {
 public:
  // Calls `exited` once, from the loop, after the process was reaped. `pid` 0: not known yet.
  Child(Loop& loop, Fd pidfd, int pid, std::function<void(WaitStatus)> exited);
  ~Child();  // does not kill; an unreaped child is reaped by nobody until its parent ends
  // For display only; 0 when it was never known and the process is gone. A pid that is not known
  // costs a small read at the first call.
  int pid() const;
  Status Signal(int signal);  // through the pidfd; EPERM where the child has another uid

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

struct SpawnRequest {
  WorkerId worker = 0;
  uint32_t uid = 0;
  uint64_t cpu_seconds_max = 0;
  uint64_t tmp_bytes = 0;  // of a private /tmp, where the engine has one
  // What its cell does not bound, of each process and of the uid; 0: the cell does.
  uint64_t data_bytes_max = 0;
  uint64_t processes_max = 0;
  std::vector<std::string> denied_calls;  // of those that its engine's profile allows
  int control_fd = -1;     // the worker's end; borrowed for the call
  int ring_fd = -1;        // borrowed
  struct Door {
    int dir_fd;
    bool born_into;
  };
  std::vector<Door> doors;  // borrowed
};

struct SpawnedProcess {
  Fd pidfd;
  int pid = 0;  // 0: whoever started it sees it by another number, from another pid namespace
};

class ZygoteClient {
 public:
  virtual ~ZygoteClient() = default;
  // `done` is called once, from the loop. A zygote that dies meanwhile answers kUnavailable.
  virtual void Spawn(const SpawnRequest& request,
                     std::function<void(Result<SpawnedProcess>)> done) = 0;
  virtual bool ready() const = 0;
};

}  // namespace nightjar
