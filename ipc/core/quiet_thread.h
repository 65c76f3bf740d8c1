// Threads that take none of the signals that are for the process: those are for the thread that
// waits for them, up to the process's end.
#pragma once

#include <signal.h>

#include <functional>
#include <thread>

namespace nightjar {

// While it lives, the calling thread blocks every signal, and a thread that is started then does so
// for good.
class AllSignalsBlocked {
 public:
  AllSignalsBlocked();
  ~AllSignalsBlocked();
  AllSignalsBlocked(const AllSignalsBlocked&) = delete;
  AllSignalsBlocked& operator=(const AllSignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

// `name`: as tools show it, 15 characters at most.
std::thread QuietThread(const char* name, std::function<void()> body);

}  // namespace nightjar
