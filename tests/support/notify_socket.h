// A test's end of NOTIFY_SOCKET: where a service manager hears what a service says of itself, with
// the descriptors that come along (sd_notify(3)).
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <cstddef>
#include <cstring>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ipc/core/bounds.h"
#include "ipc/core/check.h"
#include "ipc/core/fd.h"

namespace nightjar::testing {

struct Notice {
  std::string text;
  std::vector<Fd> fds;
};

// `name`: as bind(2) takes it, so that an abstract one begins with a zero byte. Does not block.
inline Fd BindNotifySocket(const std::string& name) {
  Fd fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  CHECK(name.copy(address.sun_path, sizeof address.sun_path) == name.size());
  auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  CHECK(bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size) == 0);
  return fd;
}

// The next one, whole; nullopt: none is there.
inline std::optional<Notice> ReadNotice(const Fd& socket) {
  char text[2048];
  alignas(cmsghdr) char control[CMSG_SPACE(bounds::kFdsPerNotice * sizeof(int))];
  iovec part{text, sizeof text};
  msghdr packet{};
  packet.msg_iov = &part;
  packet.msg_iovlen = 1;
  packet.msg_control = control;
  packet.msg_controllen = sizeof control;
  ssize_t size = recvmsg(socket.get(), &packet, MSG_CMSG_CLOEXEC);
  if (size < 0) return std::nullopt;
  CHECK((packet.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0);
  Notice notice{std::string(text, static_cast<size_t>(size)), {}};
  for (cmsghdr* at = CMSG_FIRSTHDR(&packet); at != nullptr; at = CMSG_NXTHDR(&packet, at)) {
    size_t count = (at->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int fd;
      memcpy(&fd, CMSG_DATA(at) + i * sizeof fd, sizeof fd);
      notice.fds.emplace_back(fd);
    }
  }
  return notice;
}

}  // namespace nightjar::testing
