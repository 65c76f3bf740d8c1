#include "supervisor/app/passed_sockets.h"

#include <fcntl.h>
#include <sys/socket.h>

namespace nightjar {
namespace {

// -1: it has none.
int OptionOf(const Fd& fd, int name) {
  int value = -1;
  socklen_t size = sizeof value;
  return getsockopt(fd.get(), SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
}

bool IsTcp(const Fd& fd) {
  int domain = OptionOf(fd, SO_DOMAIN);
  return OptionOf(fd, SO_TYPE) == SOCK_STREAM && (domain == AF_INET || domain == AF_INET6);
}

Status SetNonBlocking(const Fd& fd) {
  int flags = fcntl(fd.get(), F_GETFL);
  if (flags < 0 || fcntl(fd.get(), F_SETFL, flags | O_NONBLOCK) != 0)
    return FailErrno("the socket of the service manager");
  return {};
}

}  // namespace

Result<Fd> TheListener(std::vector<Fd> sockets) {
  if (sockets.size() != 1)
    return Fail(ErrorCode::kInvalid,
                "the service manager passed " + std::to_string(sockets.size()) +
                    " sockets, and canvases are served on one: have one ListenStream= in the "
                    "socket unit");
  Fd& fd = sockets[0];
  if (!IsTcp(fd) || OptionOf(fd, SO_ACCEPTCONN) != 1)
    return Fail(ErrorCode::kInvalid,
                "what the service manager passed is no listening TCP socket: have an address with "
                "a port in ListenStream= of the socket unit, and Accept=no");
  NJ_TRY(SetNonBlocking(fd));
  return std::move(fd);
}

Result<Fd> CheckConnection(Fd fd) {
  if (!IsTcp(fd) || OptionOf(fd, SO_ACCEPTCONN) != 0)
    return Fail(ErrorCode::kInvalid, "it is no connection of TCP");
  sockaddr_storage peer{};
  socklen_t size = sizeof peer;
  if (getpeername(fd.get(), reinterpret_cast<sockaddr*>(&peer), &size) != 0)
    return FailErrno("it is not connected");
  NJ_TRY(SetNonBlocking(fd));
  return fd;
}

}  // namespace nightjar
