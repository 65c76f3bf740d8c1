// Enter(): the one function that turns a fresh fork of the zygote into a sealed worker.
//
// Called first thing in the child, before anything of a tenant is near. The order matters and each
// step's failure is fatal to the worker. The zygote has prepared what children inherit: an empty
// root, an empty network namespace, an empty bounding set, the compiled filter.
#pragma once

#include <cstdint>
#include <vector>

#include "worker/sandbox/profile.h"

namespace nightjar {

// What a worker can see of files: nothing (empty_world.h), or a root for programs
// (programs_world.h).
enum class World { kEmpty, kPrograms };

// What the zygote makes once for all its workers; borrowed.
struct Walls {
  World world = World::kEmpty;
  const Profile* profile = nullptr;
  int landlock_fd = -1;     // of kEmpty; -1: a kernel without Landlock
  uint64_t data_bytes = 0;  // private memory of the zygote, with which each worker starts
  // Told of each step that is done, in the child: for who measures. Null in service.
  void (*mark)(const char* step) = nullptr;
};

struct Seal {
  std::vector<int> cells;  // directories of cells to enter; borrowed
  uint32_t uid = 0;        // uid and gid of this worker alone
  uint64_t cpu_seconds_max = 0;
  uint64_t tmp_bytes = 0;  // of kPrograms: of its own /tmp
  // What its cell does not bound: each process's own memory, beyond what it was forked with, and
  // how many processes its user may have. 0: the cell does.
  uint64_t data_bytes_max = 0;
  uint64_t processes_max = 0;
  int control_fd = -1;  // these two survive, as kControlFd and kRingFd
  int ring_fd = -1;
  Walls walls;
};

inline constexpr int kControlFd = 3;
inline constexpr int kRingFd = 4;
inline constexpr int kFilesFd = 5;  // of kPrograms: the folder of the canvas's files, to be filled

struct SealFailure {
  const char* step = nullptr;  // null: sealed
  int error = 0;
};

// The descriptor that tells of denied calls, as this process has it. Its caller hands it to the
// supervisor and closes it before anything of a tenant runs. -1: there is none (OnDenial::kKill).
struct DenialListener {
  int fd = -1;
};

// After it returned without a failure the process has no privilege, no file, no network, no other
// process, and no way back. After a failure kControlFd is the worker's control socket all the same,
// unless the step was kFirstStep.
SealFailure Enter(const Seal& seal, DenialListener* listener);
inline constexpr const char* kFirstStep = "place_descriptors";

// Gives this process a stack guard of its own: the one that it was forked with is every worker's.
// The caller must never return, and neither may whoever called it.
bool RenewStackGuard();

}  // namespace nightjar
