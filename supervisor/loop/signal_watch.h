// Turns a signal to the process into a callback on the loop, from birth to death of the watch.
//
// Signals that arrive close together may be told once. Not for SIGCHLD: only proc/ waits, by pidfd.
// Loop thread only.
#pragma once

#include <functional>

namespace nightjar {

class Loop;

class SignalWatch {
 public:
  SignalWatch(Loop& loop, int signal, std::function<void()> callback);
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

 private:
  struct Impl;
  Impl* impl_;
};

}  // namespace nightjar
