// Connections of clients that outlive this process: the service manager keeps them while nobody
// serves, and the next process gets them (docs/adr/0019-kept-connections.md).
//
// At the start it takes over what was kept; at a stop it hands connections over as they come, many
// in one message. The manager is never waited for in a call: a message that it does not take is
// tried again for bounds::kManagerWait, and then what it did not take is given back. Loop thread
// only.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "ipc/core/clock.h"
#include "supervisor/app/service_manager.h"
#include "supervisor/loop/loop.h"

namespace nightjar {

class ConnectionStore {
 public:
  // `given_back`: connections that the manager does not keep; called once or never, from the loop.
  // Whoever is called should offer no more.
  ConnectionStore(Loop& loop, const Clock& clock, ServiceManager& manager,
                  std::function<void(std::vector<Fd>)> given_back);

  // What was kept for this process, each of them checked; the manager is told to forget them.
  // Once, when this process serves: until then they stay kept for the next.
  std::vector<Fd> TakeBack();

  // Whether there is any use in Keep().
  bool keeps() const;
  void Keep(Fd connection);
  // Nothing waits to be handed over.
  bool idle() const { return waiting_.empty(); }
  // `read` is called once, from the loop: when the manager has read all that it was sent, as what
  // a process sent that is gone may be nobody's; or after bounds::kManagerWait, with a log line.
  void Finish(std::function<void()> read);

 private:
  void Turn();
  bool HandOver();
  void GiveBack();
  void SendBarrier();
  void Done();
  void TryAgain();

  Loop& loop_;
  const Clock& clock_;
  ServiceManager& manager_;
  std::function<void(std::vector<Fd>)> given_back_;
  std::vector<Fd> waiting_;
  size_t kept_ = 0;
  bool to_forget_ = false;  // the manager was not yet told
  bool deaf_ = false;       // it took nothing for too long
  MonoTime taken_at_{};     // its last sign of life; or when something began to wait for it
  std::function<void()> read_;
  std::optional<Pipe> barrier_;
  std::optional<FdWatch> barrier_watch_;  // gone before its pipe is
  Timer turn_;
};

}  // namespace nightjar
