#include "supervisor/watch/process_looker.h"

#include <pthread.h>

#include <utility>

#include "ipc/core/bounds.h"

namespace nightjar {

class ProcessLooker::Ticket {
 public:
  Ticket(Loop& loop, size_t in_all, std::function<void(ProcessLook)> done)
      : in_all_(in_all), done_(std::move(done)), patience_(loop, [this] { GiveUp(); }) {
    patience_.StartAfter(bounds::kProcessLookTime);
  }

  void Finish(ProcessLook look) {
    patience_.Stop();
    // Last: whoever asked may drop the ticket.
    if (auto done = std::exchange(done_, nullptr)) done(std::move(look));
  }

 private:
  void GiveUp() {
    ProcessLook none;
    none.in_all = in_all_;
    none.left_out.push_back("processes: looking at them took longer than a kill may wait");
    Finish(std::move(none));
  }

  const size_t in_all_;
  std::function<void(ProcessLook)> done_;
  Timer patience_;
};

ProcessLooker::ProcessLooker(Loop& loop, const Clock& clock)
    : ProcessLooker(
          loop, [&clock](const std::vector<int>& pids) { return LookAtProcesses(pids, clock); }) {}

ProcessLooker::ProcessLooker(Loop& loop, Look look) : loop_(loop), look_(std::move(look)) {}

ProcessLooker::~ProcessLooker() {
  if (!thread_.joinable()) return;
  {
    std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

std::shared_ptr<ProcessLooker::Ticket> ProcessLooker::Begin(std::vector<int> pids,
                                                            std::function<void(ProcessLook)> done) {
  auto ticket = std::make_shared<Ticket>(loop_, pids.size(), std::move(done));
  // Where too many wait already, the ticket's own patience is the answer.
  if (!Add({ticket, std::move(pids)})) return ticket;
  if (!thread_.joinable()) {
    thread_ = std::thread([this] { Work(); });
    pthread_setname_np(thread_.native_handle(), "nj-looking");
  }
  changed_.notify_one();
  return ticket;
}

bool ProcessLooker::Add(Task task) {
  std::lock_guard lock(mutex_);
  if (tasks_.size() >= bounds::kLooksWaiting) return false;
  tasks_.push_back(std::move(task));
  return true;
}

void ProcessLooker::Work() {
  for (;;) {
    Task task;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return ending_ || !tasks_.empty(); });
      if (ending_) return;
      task = std::move(tasks_.front());
      tasks_.pop_front();
    }
    // Nobody waits any more for what a slow one before it held up.
    if (task.ticket.expired()) continue;
    ProcessLook look = look_(task.pids);
    loop_.Post([ticket = std::move(task.ticket), look = std::move(look)]() mutable {
      if (auto waiting = ticket.lock()) waiting->Finish(std::move(look));
    });
  }
}

}  // namespace nightjar
