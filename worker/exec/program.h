// A program of an exec handler: started as a child of the worker, listened to until it is over, and
// taken away with everything that it started.
//
// The worker is the first process of its pid namespace: whatever the program leaves behind becomes
// its child, and one signal reaches all of them. Single thread; one at a time.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/core/fd.h"
#include "ipc/core/result.h"

namespace nightjar {

// Where it starts, and where the canvas's files are.
inline constexpr const char* kCanvasFolder = "/app";

struct ProgramStart {
  std::vector<std::string> command;      // the program's path, then its arguments
  std::vector<std::string> environment;  // "NAME=value"
  std::string_view input;                // all of its standard input
};

struct ProgramEnd {
  int signal = 0;  // != 0: ended by this signal
  int status = 0;  // else: exited with this
};

class Program {
 public:
  // What it wrote to standard output or standard error. False: that is enough, stop listening.
  using Listener = std::function<bool(int descriptor, std::string_view bytes)>;

  // Its whole life. An Error: it could not be started, and says why. When a listener had enough
  // the program still runs, and so the worker has to be ended.
  static Result<ProgramEnd> Run(const ProgramStart& start, const Listener& listener);

  // SIGTERM to the program that runs now, if one does. Async-signal-safe.
  static void Terminate() noexcept;
};

}  // namespace nightjar
