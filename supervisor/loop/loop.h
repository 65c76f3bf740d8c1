// The one event loop of a program: libuv behind five small classes, and the only folder that
// includes uv.h.
//
// One thread owns a loop and everything on it; others may only Post(). Callbacks never throw, never
// block, and may destroy any object of this folder, also the one that called them. After a handle's
// destructor returned, its callback is not called again.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>

#include "ipc/core/clock.h"
#include "ipc/core/result.h"

struct uv_loop_s;

namespace nightjar {

class Loop {
 public:
  static Result<std::unique_ptr<Loop>> Create();
  ~Loop();  // every handle must be gone by now; runs their last close steps

  // Until Stop(). Call once at a time.
  void Run();
  void Stop();

  // Runs `task` in a later turn. Any thread; the queue is unbounded, so post facts, not streams of
  // them.
  void Post(std::function<void()> task);

  struct Impl;
  uv_loop_s* raw() const;

 private:
  friend class Timer;
  Loop();
  std::unique_ptr<Impl> impl_;
};

// Calls back once each time it is started. Microsecond precision: backed by a timerfd, not by the
// loop's millisecond clock.
class Timer {
 public:
  Timer(Loop& loop, std::function<void()> callback);
  ~Timer();
  void StartAt(MonoTime when);  // absolute; in the past means now
  void StartAfter(Nanos delay);
  void Stop();
  bool armed() const;

 private:
  struct Impl;
  Impl* impl_;
};

// Tells when a descriptor is ready (level-triggered). The descriptor stays the caller's and must
// outlive the watch.
class FdWatch {
 public:
  enum Event : unsigned { kReadable = 1, kWritable = 2, kPriority = 4, kHangup = 8 };
  FdWatch(Loop& loop, int fd, std::function<void(unsigned events)> callback);
  ~FdWatch();
  void Start(unsigned events);  // replaces what was watched before
  void Stop();

 private:
  struct Impl;
  Impl* impl_;
};

class SignalWatch {
 public:
  SignalWatch(Loop& loop, int signal, std::function<void()> callback);
  ~SignalWatch();

 private:
  struct Impl;
  Impl* impl_;
};

}  // namespace nightjar
