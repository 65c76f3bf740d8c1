// The zygote: holds the warm engine and forks sealed workers from it, one for each message on its
// control socket.
//
// Single-threaded. It runs no tenant's code, reads nothing but its socket, and ends with it. The
// engine is warmed before the root goes away.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/core/result.h"
#include "ipc/wire/channel.h"
#include "worker/engine.h"
#include "worker/sandbox/programs_world.h"

namespace nightjar {

struct ZygoteOptions {
  int control_fd = -1;
  uint32_t uid = 0;                          // the supervisor's: the owner of the cells
  std::string profile = "interpreter";       // of builtin_profiles.h; what its workers may do
  bool exec = false;                         // its workers run programs
  ProgramsRoot root;                         // then: what they see
  void (*mark)(const char* step) = nullptr;  // Walls::mark, and "request" before each fork
};

// The whole life of a zygote's program, whatever its engine, from its first line on, as root and
// with one thread: its log goes by `name`. What it returns is the program's exit status: 0 when the
// supervisor closed the socket, 1 when it said what makes no sense, or this zygote cannot serve
// (the log says why; the supervisor starts another). In a child it does not return.
int LiveAsZygote(std::string_view name, const ZygoteOptions& options,
                 std::unique_ptr<Engine> (*create_engine)());

}  // namespace nightjar
