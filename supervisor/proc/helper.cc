#include "supervisor/proc/helper.h"

#include <algorithm>

#include "ipc/core/bounds.h"
#include "ipc/core/log.h"

namespace nightjar {
namespace {

constexpr std::chrono::seconds kHealthyAfter(10);

}  // namespace

Helper::Helper(Loop& loop, const Clock& clock, Launcher& launcher, proto::HelperKind kind,
               std::string name, Events events)
    : loop_(loop),
      clock_(clock),
      launcher_(launcher),
      kind_(kind),
      name_(std::move(name)),
      events_(std::move(events)),
      retry_(loop, [this] { Launch(); }),
      self_(std::make_shared<Helper*>(this)) {}

Helper::~Helper() {
  *self_ = nullptr;
}

void Helper::Start() {
  Launch();
}

void Helper::Launch() {
  auto ends = SeqpacketPair();
  if (!ends) return Retry(ends.error().ToString());
  launching_ = true;
  auto ours = std::make_shared<Fd>(std::move(ends->first));
  launcher_.StartHelper(kind_, ends->second, [self = self_, ours](Result<SpawnedProcess> process) {
    if (*self) (*self)->OnLaunched(std::move(*ours), std::move(process));
  });
}

void Helper::OnLaunched(Fd ours, Result<SpawnedProcess> process) {
  launching_ = false;
  if (!process && stopped_) return std::exchange(stopped_, nullptr)();
  if (!process) return Retry(process.error().ToString());
  born_ = clock_.Mono();
  LogInfo("helper_started", {{"helper", name_}, {"pid", process->pid}});
  child_ = std::make_unique<Child>(loop_, std::move(process->pidfd), process->pid,
                                   [this](WaitStatus status) { OnExited(status); });
  // Not wanted any more: `ours` closes, and it ends before it has begun.
  if (!stopped_) events_.up(Channel(std::move(ours), Channel::Waiting::kNo));
}

void Helper::OnExited(WaitStatus status) {
  // Its own callback is on the stack.
  auto body = std::make_shared<std::unique_ptr<Child>>(std::move(child_));
  loop_.Post([body] { body->reset(); });
  events_.down();
  if (stopped_) return std::exchange(stopped_, nullptr)();
  if (clock_.Mono() - born_ > kHealthyAfter) pause_ = {};
  Retry(status.signal != 0 ? "signal " + std::to_string(status.signal)
                           : "exit status " + std::to_string(status.exit_code));
}

void Helper::Retry(const std::string& why) {
  pause_ = std::clamp<Nanos>(pause_ * 2, bounds::kRestartBackoffMin, bounds::kRestartBackoffMax);
  LogError(
      "helper_lost",
      {{"helper", name_},
       {"why", why},
       {"again_in_ms", std::chrono::duration_cast<std::chrono::milliseconds>(pause_).count()}});
  retry_.StartAfter(pause_);
}

void Helper::ExpectEnd(std::function<void()> stopped) {
  retry_.Stop();
  if (!child_ && !launching_) return stopped();
  stopped_ = std::move(stopped);
}

}  // namespace nightjar
