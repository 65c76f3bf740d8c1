// Who is at the other end of an accepted connection. Any thread.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>

namespace nightjar::http {

struct Peer {
  std::string text;  // "127.0.0.1:50312", or on a Unix socket "uid 0 pid 4242", as the host has it
  int64_t uid = -1;  // on a Unix socket: who connected, as this process's user namespace has it
};

// `address` as accept(2) gave it.
Peer PeerOf(int fd, const sockaddr_storage& address);

// "127.0.0.1:8080", "[::1]:8080", or a Unix socket's path.
std::string AddressText(const sockaddr_storage& address);

}  // namespace nightjar::http
