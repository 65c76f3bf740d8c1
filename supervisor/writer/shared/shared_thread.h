// The thread that tells the index that machines share, and asks it: "nj-shared".
//
// Whatever it waits for, nobody else does. While the server is away it is tried again, further and
// further apart, and questions are answered at once with why. It goes on by itself. What it had not
// told when it ends, the next one tells.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>

#include "ipc/proto/writer.pb.h"
#include "supervisor/loop/task_thread.h"
#include "supervisor/writer/shared/shared_feed.h"

namespace nightjar::shared {

class SharedThread {
 public:
  // `clock`, and what `on_archive` uses, outlive it.
  SharedThread(SharedFeed::Where where, SharedFeed::OnArchive on_archive, const Clock& clock);
  // Waits for nothing beyond this machine.
  ~SharedThread();

  // These may be called when this is gone, too: then there are no figures, and no answers.
  struct Handles {
    std::function<proto::SharedIndexFigures()> figures;
    // `done` is called on this thread. False: too many wait.
    std::function<bool(proto::ListTraces, std::function<void(Result<proto::TraceList>)>)> list;
    std::function<bool(std::string canvas, RunId, std::function<void(Result<IndexedTrace>)>)> get;
  };
  Handles MakeHandles();
  // To be called whenever something was committed, also when this is gone. Any thread.
  std::function<void()> Waker();

  const std::string& machine() const { return feed_.machine(); }

 private:
  bool List(proto::ListTraces question, std::function<void(Result<proto::TraceList>)> done);
  bool Get(std::string canvas, RunId run, std::function<void(Result<IndexedTrace>)> done);
  proto::SharedIndexFigures figures() const;
  struct Gate {
    std::mutex mutex;
    SharedThread* thread;  // null: gone
    bool woken = false;
  };
  std::optional<MonoTime> Tick();
  void Up();
  void Down(const Error& error);
  void Measure();
  template <typename T>
  Result<T> Answered(const std::function<Result<T>()>& ask);

  const Clock& clock_;
  Interrupt interrupt_;
  SharedFeed feed_;
  std::shared_ptr<Gate> gate_;
  MonoTime next_{};  // step
  bool idle_ = false;
  Nanos back_off_{0};
  std::optional<Error> down_;  // why
  MonoTime logged_{};
  std::minstd_rand random_;
  mutable std::mutex mutex_;
  proto::SharedIndexFigures figures_;  // guarded by mutex_, like the next
  std::optional<int64_t> oldest_ms_;   // when the oldest trace that waits was received
  // Last: its tasks use all of the above.
  TaskThread thread_;
};

}  // namespace nightjar::shared
