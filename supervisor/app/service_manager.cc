#include "supervisor/app/service_manager.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>

#include "ipc/core/log.h"

namespace nightjar {
namespace {

constexpr int kFirstSocket = 3;  // sd_listen_fds(3): SD_LISTEN_FDS_START
constexpr uint64_t kSocketsMax = 64;
constexpr uint64_t kWatchdogUsecMax = 86'400'000'000;  // a day: no overflow further on
constexpr size_t kStatusBytes = 200;

// The variable's text, taken out of the environment.
std::optional<std::string> Take(const char* name) {
  const char* value = getenv(name);
  if (value == nullptr) return std::nullopt;
  std::string text = value;
  unsetenv(name);
  return text;
}

Result<uint64_t> Number(const char* name, const std::string& text, uint64_t max) {
  uint64_t value = 0;
  auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc() || end != text.data() + text.size() || value > max)
    return Fail(ErrorCode::kInvalid,
                std::string(name) + "=" + text + ": not what a service manager sets");
  return value;
}

// Whether what came with it is for this process. A variable that was inherited by a child of the
// right one is not.
Result<bool> IsMe(const char* name, const std::string& pid) {
  NJ_ASSIGN(uint64_t number, Number(name, pid, INT32_MAX));
  return number == static_cast<uint64_t>(getpid());
}

Result<std::vector<Fd>> TakeListeners() {
  auto count = Take("LISTEN_FDS");
  auto pid = Take("LISTEN_PID");
  Take("LISTEN_FDNAMES");
  std::vector<Fd> sockets;
  if (!count || !pid) return sockets;
  NJ_ASSIGN(bool mine, IsMe("LISTEN_PID", *pid));
  if (!mine) return sockets;
  NJ_ASSIGN(uint64_t sockets_passed, Number("LISTEN_FDS", *count, kSocketsMax));
  for (int fd = kFirstSocket; fd < kFirstSocket + static_cast<int>(sockets_passed); ++fd) {
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
      return FailErrno("LISTEN_FDS=" + *count + ", but descriptor " + std::to_string(fd));
    sockets.emplace_back(fd);
  }
  return sockets;
}

Result<std::optional<Nanos>> TakeWatchdog() {
  auto usec = Take("WATCHDOG_USEC");
  auto pid = Take("WATCHDOG_PID");
  if (!usec) return std::optional<Nanos>();
  // Without a pid it is for whoever was started with it.
  if (pid) {
    NJ_ASSIGN(bool mine, IsMe("WATCHDOG_PID", *pid));
    if (!mine) return std::optional<Nanos>();
  }
  NJ_ASSIGN(uint64_t period, Number("WATCHDOG_USEC", *usec, kWatchdogUsecMax));
  if (period < 2) return std::optional<Nanos>();
  return std::optional<Nanos>(std::chrono::microseconds(period / 2));
}

// "/run/systemd/notify", or "@name" for an abstract one.
Result<std::string> TakeAddress() {
  std::string address = Take("NOTIFY_SOCKET").value_or("");
  if (address.empty()) return address;
  if ((address[0] != '/' && address[0] != '@') || address.size() >= sizeof sockaddr_un::sun_path)
    return Fail(ErrorCode::kInvalid, "NOTIFY_SOCKET=" + address + ": no address of a Unix socket");
  if (address[0] == '@') address[0] = '\0';
  return address;
}

// One line, and not a long one: it is text for people. Cut between characters, as the manager takes
// no broken one.
std::string StatusLine(std::string_view text) {
  size_t size = std::min(text.size(), kStatusBytes);
  while (size > 0 && size < text.size() && (text[size] & 0xc0) == 0x80) --size;
  std::string line(text.substr(0, size));
  for (char& c : line)
    if (static_cast<unsigned char>(c) < ' ') c = ' ';
  return line;
}

}  // namespace

Result<ServiceManager> ServiceManager::Meet() {
  ServiceManager manager;
  // All are taken before any is judged: an error must not leave some behind.
  auto address = TakeAddress();
  auto period = TakeWatchdog();
  auto sockets = TakeListeners();
  NJ_ASSIGN(manager.address_, std::move(address));
  NJ_ASSIGN(manager.alive_period_, std::move(period));
  NJ_ASSIGN(manager.sockets_, std::move(sockets));
  if (manager.address_.empty()) return manager;
  manager.socket_ = Fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!manager.socket_.valid()) return FailErrno("a socket for the service manager");
  return manager;
}

void ServiceManager::Ready(std::string_view status) {
  SendWithStatus("READY=1\n", status);
}

void ServiceManager::Reloading(MonoTime now, std::string_view status) {
  auto usec = std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch());
  SendWithStatus("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(usec.count()) + "\n", status);
}

void ServiceManager::Stopping(Nanos time, std::string_view status) {
  auto usec = std::chrono::duration_cast<std::chrono::microseconds>(time);
  SendWithStatus("STOPPING=1\nEXTEND_TIMEOUT_USEC=" + std::to_string(usec.count()) + "\n", status);
}

void ServiceManager::Alive() {
  Send("WATCHDOG=1");
}

void ServiceManager::Status(std::string_view status) {
  if (StatusLine(status) != status_) SendWithStatus("", status);
}

void ServiceManager::SendWithStatus(std::string message, std::string_view status) {
  status_ = StatusLine(status);
  Send(message + "STATUS=" + status_);
}

void ServiceManager::Send(std::string_view message) {
  if (!socket_.valid()) return;
  // The address is looked up each time: a manager that was executed anew has a new socket there.
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  memcpy(name.sun_path, address_.data(), address_.size());
  auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address_.size());
  ssize_t sent = sendto(socket_.get(), message.data(), message.size(), MSG_NOSIGNAL,
                        reinterpret_cast<const sockaddr*>(&name), size);
  if (sent != static_cast<ssize_t>(message.size()))
    LogWarning("service_manager_deaf",
               {{"message", message.substr(0, message.find('\n'))},
                {"error", FailErrno("telling the service manager").value().ToString()}});
}

Result<Fd> TheListener(std::vector<Fd> sockets) {
  if (sockets.size() != 1)
    return Fail(ErrorCode::kInvalid,
                "the service manager passed " + std::to_string(sockets.size()) +
                    " sockets, and canvases are served on one: have one ListenStream= in the "
                    "socket unit");
  Fd& fd = sockets[0];
  auto option = [&](int name) {
    int value = -1;
    socklen_t size = sizeof value;
    return getsockopt(fd.get(), SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
  };
  int domain = option(SO_DOMAIN);
  if (option(SO_ACCEPTCONN) != 1 || option(SO_TYPE) != SOCK_STREAM ||
      (domain != AF_INET && domain != AF_INET6))
    return Fail(ErrorCode::kInvalid,
                "what the service manager passed is no listening TCP socket: have an address with "
                "a port in ListenStream= of the socket unit, and Accept=no");
  int flags = fcntl(fd.get(), F_GETFL);
  if (flags < 0 || fcntl(fd.get(), F_SETFL, flags | O_NONBLOCK) != 0)
    return FailErrno("the socket of the service manager");
  return std::move(fd);
}

}  // namespace nightjar
