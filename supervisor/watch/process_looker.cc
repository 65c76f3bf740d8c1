#include "supervisor/watch/process_looker.h"

#include <utility>

#include "ipc/core/bounds.h"

namespace nightjar {

class ProcessLooker::Ticket {
 public:
  Ticket(Loop& loop, size_t in_all, std::chrono::milliseconds time,
         std::function<void(ProcessLook)> done)
      : in_all_(in_all), done_(std::move(done)), patience_(loop, [this] { GiveUp(); }) {
    patience_.StartAfter(time);
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

ProcessLooker::ProcessLooker(Loop& loop, const Clock& clock, std::chrono::milliseconds time)
    : ProcessLooker(
          loop,
          [&clock, time](const std::vector<int>& pids) {
            return LookAtProcesses(pids, clock, time);
          },
          time) {}

ProcessLooker::ProcessLooker(Loop& loop, Look look, std::chrono::milliseconds time)
    : loop_(loop), look_(std::move(look)), time_(time) {}

ProcessLooker::~ProcessLooker() = default;

std::shared_ptr<ProcessLooker::Ticket> ProcessLooker::Begin(std::vector<int> pids,
                                                            std::function<void(ProcessLook)> done) {
  auto ticket = std::make_shared<Ticket>(loop_, pids.size(), time_, std::move(done));
  if (!thread_) thread_.emplace("nj-looking", bounds::kLooksWaiting, TaskThread::Tick());
  // Where too many wait already, the ticket's own patience is the answer.
  thread_->Add([this, asked = std::weak_ptr<Ticket>(ticket), pids = std::move(pids)] {
    // Nobody waits any more for what a slow one before it held up.
    if (asked.expired()) return;
    loop_.Post([asked, look = look_(pids)]() mutable {
      if (auto waiting = asked.lock()) waiting->Finish(std::move(look));
    });
  });
  return ticket;
}

}  // namespace nightjar
