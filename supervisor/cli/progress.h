// "| compiling and deploying demo ... 1.2 s" on a terminal, while an answer takes long. Nothing
// elsewhere, and nothing before 300 ms.
#pragma once

#include <ostream>
#include <string>

#include "ipc/core/clock.h"

namespace nightjar::cli {

class Progress {
 public:
  // `err` outlives it; `shown` is false when it is not a terminal.
  enum class Where { kNowhere, kTerminal };
  Progress(std::ostream& err, Where where) : err_(err), where_(where) {}

  // What the next wait is for.
  void Begin(std::string what) { what_ = std::move(what); }
  void Tick(Nanos waited);
  // Wipes the line; call before anything else is written.
  void End();

 private:
  std::ostream& err_;
  Where where_;
  std::string what_;
  unsigned ticks_ = 0;
  bool shown_ = false;
};

}  // namespace nightjar::cli
