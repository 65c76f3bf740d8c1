// CHECK guards against our own bugs, in release too. Never for bytes from outside: those get an
// Error.
#pragma once

namespace nightjar {

// Writes one line to standard error and aborts. Async-signal-safe.
[[noreturn]] void CheckFailed(const char* file, int line, const char* expression);

}  // namespace nightjar

#define CHECK(condition)                                       \
  do {                                                         \
    if (!(condition)) [[unlikely]]                             \
      ::nightjar::CheckFailed(__FILE__, __LINE__, #condition); \
  } while (0)
