// One packet with descriptors beside it, any number up to the kernel's own bound: more than the
// product's channel would send.
#pragma once

#include <sys/socket.h>

#include <cstring>
#include <span>
#include <string_view>
#include <vector>

namespace nightjar {

// sendmsg()'s result.
inline ssize_t SendPacket(int socket, std::string_view bytes, std::span<const int> fds, int flags) {
  iovec part{const_cast<char*>(bytes.data()), bytes.size()};
  msghdr packet{};
  packet.msg_iov = &part;
  packet.msg_iovlen = 1;
  std::vector<char> control(CMSG_SPACE(fds.size_bytes()));
  if (!fds.empty()) {
    packet.msg_control = control.data();
    packet.msg_controllen = control.size();
    cmsghdr* rights = CMSG_FIRSTHDR(&packet);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(fds.size_bytes());
    memcpy(CMSG_DATA(rights), fds.data(), fds.size_bytes());
  }
  return sendmsg(socket, &packet, flags);
}

}  // namespace nightjar
