#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <memory>

#include "supervisor/http/peer.h"
#include "supervisor/http/server.h"

namespace nightjar::http {
namespace {

constexpr int kKind = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;

struct HostAndPort {
  std::string host, port;
};

Result<HostAndPort> Split(const std::string& address) {
  size_t colon = address.rfind(':');
  HostAndPort parts;
  if (colon != std::string::npos) {
    parts = {address.substr(0, colon), address.substr(colon + 1)};
    bool is_v6 = parts.host.size() >= 2 && parts.host.front() == '[' && parts.host.back() == ']';
    if (is_v6) parts.host = parts.host.substr(1, parts.host.size() - 2);
    bool number = !parts.port.empty() && parts.port.size() <= 5 &&
                  parts.port.find_first_not_of("0123456789") == std::string::npos;
    bool clear = is_v6 || parts.host.find(':') == std::string::npos;
    if (number && clear && std::stoul(parts.port) <= 65535) return parts;
  }
  return Fail(
      ErrorCode::kInvalid,
      "\"" + address + "\" is no address to listen on: write 127.0.0.1:8080, [::1]:8080 or :8080");
}

Result<Fd> BindTcp(const addrinfo& info, const std::string& address) {
  Fd fd(socket(info.ai_family, kKind, 0));
  if (!fd.valid()) return FailErrno("listening on " + address);
  int on = 1;
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(fd.get(), info.ai_addr, info.ai_addrlen) != 0 || listen(fd.get(), SOMAXCONN) != 0)
    return FailErrno("listening on " + address);
  return fd;
}

// Whether somebody accepts on a socket file, asked by connecting to it.
bool IsLive(const sockaddr_un& name) {
  Fd probe(socket(AF_UNIX, kKind, 0));
  if (!probe.valid()) return true;
  int failed = connect(probe.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name);
  return failed == 0 || errno != ECONNREFUSED;
}

}  // namespace

Result<Fd> ListenTcp(const std::string& address) {
  NJ_ASSIGN(HostAndPort parts, Split(address));
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  // Without a host: every IPv4 address. With one, a name is looked up in the host's own way.
  if (parts.host.empty()) hints.ai_family = AF_INET;
  addrinfo* found = nullptr;
  int failed = getaddrinfo(parts.host.empty() ? nullptr : parts.host.c_str(), parts.port.c_str(),
                           &hints, &found);
  if (failed != 0)
    return Fail(ErrorCode::kInvalid, "listening on " + address + ": " + gai_strerror(failed));
  std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> guard(found, &freeaddrinfo);
  return BindTcp(*found, address);
}

Result<std::string> BoundAddress(const Fd& listener) {
  sockaddr_storage address;
  socklen_t size = sizeof address;
  if (getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
    return FailErrno("reading a listener's address");
  return AddressText(address);
}

Result<Fd> ListenUnix(const std::string& path) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof name.sun_path)
    return Fail(ErrorCode::kInvalid, "\"" + path + "\" is too long for a socket's path, or empty");
  memcpy(name.sun_path, path.data(), path.size());
  Fd fd(socket(AF_UNIX, kKind, 0));
  if (!fd.valid()) return FailErrno("listening on " + path);
  struct stat old;
  if (lstat(path.c_str(), &old) == 0) {
    if (!S_ISSOCK(old.st_mode))
      return Fail(ErrorCode::kExists, "listening on " + path + ": it exists and is no socket");
    if (IsLive(name))
      return Fail(ErrorCode::kExists, "listening on " + path + ": another server answers there");
    if (unlink(path.c_str()) != 0) return FailErrno("replacing the old socket " + path);
  }
  // The mode of the socket is that of the file the bind makes, so nobody else can connect before
  // it is narrowed.
  if (fchmod(fd.get(), 0600) != 0) return FailErrno("narrowing " + path);
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0)
    return FailErrno("listening on " + path);
  if (chmod(path.c_str(), 0600) != 0) return FailErrno("narrowing " + path);
  if (listen(fd.get(), SOMAXCONN) != 0) return FailErrno("listening on " + path);
  return fd;
}

}  // namespace nightjar::http
