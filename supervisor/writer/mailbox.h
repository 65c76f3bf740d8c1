// The writer's end of the supervisor's socket: messages in as they come, messages out without
// waiting.
//
// What the socket does not take is queued. When the queue is full, answers that can be asked for
// again are dropped and logged: whoever asked runs into a timeout. Words about ended runs and
// deploys never are; the supervisor has a bounded number of those open. Loop thread only.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "ipc/proto/writer.pb.h"
#include "ipc/wire/channel.h"
#include "supervisor/loop/loop.h"

namespace nightjar {

class Mailbox {
 public:
  struct Handlers {
    std::function<void(proto::ToWriter message, std::vector<Fd> fds)> message;
    std::function<void()> room;    // the queue is empty again
    std::function<void()> closed;  // the supervisor is gone; nothing is called after it
  };

  Mailbox(Loop& loop, Channel channel, Handlers handlers);

  enum class Kind { kDroppable, kNeeded };
  void Send(Kind kind, proto::FromWriter message, std::vector<Fd> fds = {});
  // For one encoded FromWriter of any size: as a packet, or as a memfd that the packet names.
  void SendEncoded(Kind kind, uint64_t ticket, std::string_view encoded);
  bool empty() const { return waiting_.empty(); }

 private:
  struct Outgoing {
    proto::FromWriter message;
    std::vector<Fd> fds;
    size_t bytes() const { return message.ByteSizeLong() + message.memfd_bytes(); }
  };

  void OnEvents(unsigned events);
  void Receive();
  void Flush();
  void Close();
  Status SendNow(const Outgoing& outgoing);
  void OnUnsendable(const Outgoing& outgoing, const Error& error);

  Channel channel_;
  Handlers handlers_;
  std::unique_ptr<FdWatch> watch_;
  std::deque<Outgoing> waiting_;
  size_t waiting_bytes_ = 0;
  bool open_ = true;
};

}  // namespace nightjar
