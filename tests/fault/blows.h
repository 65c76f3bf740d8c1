// What the chaos test does to a server: each blow by its name, and what it hits.
//
// Only processes of that one server are hit, and by a pidfd that was looked at again once it was
// open: a number may have another owner by then.
#pragma once

#include <sys/types.h>

#include <random>
#include <string>
#include <vector>

#include "tests/fault/live_log.h"
#include "tests/support/server_rig.h"

namespace nightjar::fault {

enum class Target { kSupervisor, kWriter, kZygote, kExecZygote, kLauncher, kNest, kWorker };

const char* NameOf(Target target);

class Blows {
 public:
  // Both outlive this.
  Blows(e2e::Server& server, LiveLog& log) : server_(server), log_(log) {}

  // False: there is none just now.
  bool Signal(Target target, int signal, std::mt19937_64& random);
  // As much of the state's disk as there is; and room again.
  void FillDisk();
  void FreeDisk();

 private:
  // Candidates; the first one that is the server's is hit.
  std::vector<pid_t> Find(Target target, std::mt19937_64& random);

  e2e::Server& server_;
  LiveLog& log_;
};

}  // namespace nightjar::fault
