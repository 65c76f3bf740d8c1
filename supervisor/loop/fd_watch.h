// Tells when a descriptor is ready, level-triggered: as long as it is, once a turn.
//
// The descriptor stays the caller's, must outlive the watch, and becomes non-blocking. One watch a
// descriptor. The descriptor must be one that epoll takes: not a regular file. Loop thread only.
#pragma once

#include <functional>

namespace nightjar {

class Loop;

class FdWatch {
 public:
  // kHangup is the other side's end of sending. A broken descriptor is told as everything that is
  // watched plus kHangup: the next read or write gives the reason.
  enum Event : unsigned { kReadable = 1, kWritable = 2, kHangup = 4, kPriority = 8 };

  FdWatch(Loop& loop, int fd, std::function<void(unsigned events)> callback);
  ~FdWatch();
  FdWatch(const FdWatch&) = delete;
  FdWatch& operator=(const FdWatch&) = delete;

  // Replaces what was watched before. A change costs two system calls, so ask for what stays true;
  // asking for the same again is free. Start(0) is Stop().
  void Start(unsigned events);
  void Stop();

 private:
  struct Impl;
  Impl* impl_;
};

}  // namespace nightjar
