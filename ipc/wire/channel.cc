#include "ipc/wire/channel.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <cstring>

#include "ipc/core/bounds.h"
#include "ipc/core/check.h"

namespace nightjar {
namespace {

constexpr size_t kBufferBytes = bounds::kFrameBytes + 1;  // one more shows that it is too much
constexpr size_t kControlBytes = CMSG_SPACE(sizeof(int) * bounds::kFdsPerFrame);

void TakeFds(const msghdr& header, std::vector<Fd>& fds) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr;
       part = CMSG_NXTHDR(const_cast<msghdr*>(&header), part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int fd;
      memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof fd);
      fds.emplace_back(fd);
    }
  }
}

}  // namespace

Channel::Channel(Fd fd, Waiting waiting)
    : fd_(std::move(fd)),
      waiting_(waiting),
      buffer_(std::make_unique_for_overwrite<char[]>(kBufferBytes)) {}

Status Channel::Send(const google::protobuf::MessageLite& message, std::initializer_list<int> fds) {
  return SendBytes(message.SerializeAsString(), fds.begin(), fds.size());
}

Status Channel::Send(const google::protobuf::MessageLite& message, const std::vector<int>& fds) {
  return SendBytes(message.SerializeAsString(), fds.data(), fds.size());
}

Status Channel::SendBytes(std::string_view bytes, const int* fds, size_t fd_count) {
  CHECK(fd_count <= bounds::kFdsPerFrame);
  CHECK(!bytes.empty());  // a message of defaults only would read as the end of this side
  if (bytes.size() > bounds::kFrameBytes)
    return Fail(ErrorCode::kExhausted, "a message is larger than a frame");
  iovec part{const_cast<char*>(bytes.data()), bytes.size()};
  alignas(cmsghdr) char control[kControlBytes];
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  if (fd_count > 0) {
    header.msg_control = control;
    header.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
    cmsghdr* rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
    memcpy(CMSG_DATA(rights), fds, sizeof(int) * fd_count);
  }
  int flags = MSG_NOSIGNAL | (waiting_ == Waiting::kYes ? 0 : MSG_DONTWAIT);
  ssize_t put;
  do {
    put = sendmsg(fd_.get(), &header, flags);
  } while (put < 0 && errno == EINTR);
  if (put < 0) return FailErrno("sending a message");
  return {};
}

Result<std::optional<Packet>> Channel::Receive() {
  iovec part{buffer_.get(), kBufferBytes};
  alignas(cmsghdr) char control[kControlBytes];
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  int flags = MSG_CMSG_CLOEXEC | (waiting_ == Waiting::kYes ? 0 : MSG_DONTWAIT);
  ssize_t got;
  do {
    got = recvmsg(fd_.get(), &header, flags);
    // ECONNRESET is told once, when the other side closed with packets unread; what it had sent
    // itself is still there to be read.
  } while (got < 0 && (errno == EINTR || errno == ECONNRESET));
  if (got < 0 && errno == EAGAIN) return std::optional<Packet>();
  if (got < 0) return FailErrno("receiving a message");
  Packet packet;
  TakeFds(header, packet.fds);  // first, so that what came along is closed on every path
  if (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
    return Fail(ErrorCode::kProtocol, "a packet is larger than a frame");
  // A SEQPACKET end of file is an empty packet, and no sender of ours sends an empty one.
  if (got == 0) return Fail(ErrorCode::kUnavailable, "the other side is gone");
  packet.bytes.assign(buffer_.get(), static_cast<size_t>(got));
  return std::optional<Packet>(std::move(packet));
}

}  // namespace nightjar
