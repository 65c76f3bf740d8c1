// A control channel: one protobuf message a packet over SOCK_SEQPACKET, with descriptors beside it.
//
// Never blocks and has no loop of its own: the owner watches fd() and calls Receive() until it says
// "nothing now". A full socket is kUnavailable from Send(); the caller decides (queue with a bound,
// or give the other side up). The other side is a stranger: a packet that is too large, carries too
// many descriptors or does not parse is kProtocol. One thread.
#pragma once

#include <google/protobuf/message_lite.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ipc/core/fd.h"
#include "ipc/core/result.h"

namespace nightjar {

struct Packet {
  std::string bytes;
  std::vector<Fd> fds;

  // kProtocol when the bytes are not a T.
  template <typename T>
  Result<T> Parse() const {
    T message;
    if (!message.ParseFromString(bytes))
      return Fail(ErrorCode::kProtocol, "a packet does not parse");
    return message;
  }
};

class Channel {
 public:
  enum class Waiting {
    kNo,
    kYes
  };  // kYes: the descriptor blocks (workers and the zygote, which have no loop)

  Channel(Fd fd, Waiting waiting);

  int fd() const { return fd_.get(); }

  // The message and borrowed descriptors go out as one packet, or nothing does.
  Status Send(const google::protobuf::MessageLite& message, std::initializer_list<int> fds = {});
  Status Send(const google::protobuf::MessageLite& message, const std::vector<int>& fds);

  // A packet; nullopt when there is none now; kUnavailable when the other side is gone.
  Result<std::optional<Packet>> Receive();

 private:
  Status SendBytes(std::string_view bytes, const int* fds, size_t fd_count);

  Fd fd_;
  Waiting waiting_;
  std::unique_ptr<char[]> buffer_;  // of a frame and a byte; left untouched until a packet fills it
};

}  // namespace nightjar
