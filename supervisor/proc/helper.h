// Keeps one helper process running: starts it through the launcher, and again when it dies, with
// back-off.
//
// Each incarnation gets a fresh control socket. The pause doubles from bounds::kRestartBackoffMin
// to kRestartBackoffMax and is short again once a helper has lived for ten seconds. Loop thread
// only.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "ipc/wire/channel.h"
#include "supervisor/proc/launcher.h"

namespace nightjar {

class Helper {
 public:
  struct Events {
    std::function<void(Channel)> up;  // our end of its control socket
    std::function<void()> down;       // its process is gone
  };

  Helper(Loop& loop, const Clock& clock, Launcher& launcher, proto::HelperKind kind,
         std::string name, Events events);
  ~Helper();

  void Start();
  // No more restarts: its end, which comes when the owner closes the channel, is wanted. `stopped`
  // is called once: at once if it is not running.
  void ExpectEnd(std::function<void()> stopped);
  int pid() const { return child_ ? child_->pid() : 0; }

 private:
  void Launch();
  void OnLaunched(Fd ours, Result<SpawnedProcess> process);
  void OnExited(WaitStatus status);
  void Retry(const std::string& why);

  Loop& loop_;
  const Clock& clock_;
  Launcher& launcher_;
  proto::HelperKind kind_;
  std::string name_;
  Events events_;
  std::unique_ptr<Child> child_;
  MonoTime born_{};
  Nanos pause_{0};
  Timer retry_;
  bool launching_ = false;
  std::function<void()> stopped_;
  std::shared_ptr<Helper*> self_;  // null once this is gone, for an answer that comes later
};

}  // namespace nightjar
