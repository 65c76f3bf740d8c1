#include "supervisor/http/peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <cstring>
#include <fstream>
#include <vector>

namespace nightjar::http {
namespace {

// A user as the host knows them: in a user namespace the kernel speaks of others, and a record that
// says "uid 0" there would be read as root.
uint32_t HostUid(uint32_t uid) {
  struct Range {
    uint32_t inside, outside, count;
  };
  // It is written once, before there is anybody to ask.
  static const std::vector<Range> map = [] {
    std::vector<Range> ranges;
    std::ifstream file("/proc/self/uid_map");
    for (Range range; file >> range.inside >> range.outside >> range.count;)
      ranges.push_back(range);
    return ranges;
  }();
  for (const Range& range : map)
    if (uid >= range.inside && uid - range.inside < range.count)
      return range.outside + (uid - range.inside);
  return uid;
}

}  // namespace

Peer PeerOf(int fd, const sockaddr_storage& address) {
  if (address.ss_family != AF_UNIX) return {AddressText(address), -1};
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0)
    return {"an unknown local process", -1};
  return {
      "uid " + std::to_string(HostUid(credentials.uid)) + " pid " + std::to_string(credentials.pid),
      static_cast<int64_t>(credentials.uid)};
}

std::string AddressText(const sockaddr_storage& address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address.ss_family == AF_INET) {
    auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
    return std::string(text) + ":" + std::to_string(ntohs(v4.sin_port));
  }
  if (address.ss_family == AF_INET6) {
    auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
    return "[" + std::string(text) + "]:" + std::to_string(ntohs(v6.sin6_port));
  }
  auto& local = reinterpret_cast<const sockaddr_un&>(address);
  return std::string(local.sun_path, strnlen(local.sun_path, sizeof local.sun_path));
}

}  // namespace nightjar::http
