// Keys of the terminal that is standard input, as they are pressed, without being shown.
//
// The terminal is as it was when this goes, and when SIGINT, SIGTERM or SIGHUP ends the program.
// One at a time; one thread.
#pragma once

#include <memory>
#include <optional>

#include "ipc/core/clock.h"

namespace nightjar::cli {

class RawKeys {
 public:
  // Null where standard input is no terminal.
  static std::unique_ptr<RawKeys> Create();
  ~RawKeys();
  RawKeys(const RawKeys&) = delete;

  // The next key; nullopt: none was pressed in that time.
  std::optional<char> Wait(Nanos time);

 private:
  RawKeys() = default;
};

}  // namespace nightjar::cli
