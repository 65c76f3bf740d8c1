// Whoever started this program as a service, systemd in most cases: what it passed on, and what it
// is told (sd_notify(3), sd_listen_fds(3), both by their protocol alone).
//
// Without one everything here does nothing. Nothing waits: a message that the manager's socket does
// not take is logged and dropped, as a supervisor that waits for its manager would serve nobody.
// Loop thread, or before the loop runs.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/core/clock.h"
#include "ipc/core/fd.h"
#include "ipc/core/result.h"

namespace nightjar {

class ServiceManager {
 public:
  // Reads this process's environment and clears what is meant for it alone (NOTIFY_SOCKET,
  // WATCHDOG_*, LISTEN_*), so that no child takes it for its own. Once, before the first child or
  // thread. kInvalid when a variable makes no sense.
  static Result<ServiceManager> Meet();
  // No manager at all.
  ServiceManager() = default;

  // The sockets that the manager listens on for this process, in its order, close-on-exec. Once.
  std::vector<Fd> TakeSockets() { return std::move(sockets_); }
  // How often to say Alive(): half of the time after which the manager gives this process up.
  // nullopt: it does not watch.
  std::optional<Nanos> alive_period() const { return alive_period_; }

  // It serves now, for the first time or again after Reloading(). `status`, here and below: one
  // short line for people (`systemctl status`).
  void Ready(std::string_view status);
  void Reloading(MonoTime now, std::string_view status);
  // It ends by itself within `time`.
  void Stopping(Nanos time, std::string_view status);
  void Alive();
  // Sent only when it differs from the last one.
  void Status(std::string_view status);

 private:
  void Send(std::string_view message);
  void SendWithStatus(std::string message, std::string_view status);

  std::string address_;  // as connect(2) takes it: a path, or a zero byte and an abstract name
  Fd socket_;
  std::vector<Fd> sockets_;
  std::optional<Nanos> alive_period_;
  std::string status_;
};

// The one socket to serve canvases on, out of what the manager passed: a listening TCP socket, made
// non-blocking. kInvalid for anything else, and for more than one.
Result<Fd> TheListener(std::vector<Fd> sockets);

}  // namespace nightjar
