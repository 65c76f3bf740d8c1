// Whoever started this program as a service, systemd in most cases: what it passed on, and what it
// is told (sd_notify(3), sd_listen_fds(3), both by their protocol alone).
//
// Without one everything here does nothing. Nothing waits: a message that the manager's socket does
// not take is logged and dropped, as a supervisor that waits for its manager would serve nobody.
// What must not be lost (connections to keep) says whether it was taken, and ConnectionStore tries
// again. Loop thread, or before the loop runs.
#pragma once

#include <optional>
#include <span>
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
  // WATCHDOG_*, LISTEN_*, FDSTORE), so that no child takes it for its own. Once, before the first
  // child or thread. kInvalid when a variable makes no sense.
  static Result<ServiceManager> Meet();
  // No manager at all.
  ServiceManager() = default;

  // The sockets that the manager listens on for this process, in its order, close-on-exec. Once.
  std::vector<Fd> TakeSockets() { return std::move(sockets_); }
  // What it kept under the name of connections, close-on-exec. Once. Nothing is known of them yet:
  // CheckConnection() in passed_sockets.h.
  std::vector<Fd> TakeConnections() { return std::move(connections_); }
  // How many connections it keeps for this service's next process. 0: none.
  size_t connections_kept_max() const { return connections_kept_max_; }
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

  // Each of these: false when the manager did not take it; then it may be tried again.
  // It keeps these, at most bounds::kFdsPerNotice of them, for the next process. Whoever called
  // closes its own.
  bool Keep(std::span<const Fd> connections);
  // It closes all that it keeps: they are this process's alone now.
  bool ForgetConnections();
  // It closes `end` once it has read everything that was sent before.
  bool Barrier(const Fd& end);

 private:
  void Send(std::string_view message);
  bool TrySend(std::string_view message, std::span<const Fd> fds);
  void SendWithStatus(std::string message, std::string_view status);

  std::string address_;  // as connect(2) takes it: a path, or a zero byte and an abstract name
  Fd socket_;
  std::vector<Fd> sockets_;
  std::vector<Fd> connections_;
  size_t connections_kept_max_ = 0;
  std::optional<Nanos> alive_period_;
  std::string status_;
};

}  // namespace nightjar
