#include "supervisor/app/service_manager.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>

#include "ipc/core/bounds.h"
#include "ipc/core/check.h"
#include "ipc/core/log.h"

namespace nightjar {
namespace {

constexpr int kFirstSocket = 3;  // sd_listen_fds(3): SD_LISTEN_FDS_START
constexpr uint64_t kPassedMax = bounds::kListeners + bounds::kConnectionsKept;
constexpr char kConnectionName[] = "connection";       // FDNAME= of what is kept; of no listener
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

struct Passed {
  std::vector<Fd> sockets;
  std::vector<Fd> connections;
};

// "nightjar.socket:connection:connection": the name of each descriptor, in their order. What has
// none is nobody's connection.
class Names {
 public:
  explicit Names(std::string text) : text_(std::move(text)) {}
  std::string_view Next() {
    std::string_view rest = std::string_view(text_).substr(std::min(at_, text_.size()));
    std::string_view name = rest.substr(0, rest.find(':'));
    at_ += name.size() + 1;
    return name;
  }

 private:
  std::string text_;
  size_t at_ = 0;
};

Result<Passed> TakePassed() {
  auto count = Take("LISTEN_FDS");
  auto pid = Take("LISTEN_PID");
  Names names(Take("LISTEN_FDNAMES").value_or(""));
  Passed passed;
  if (!count || !pid) return passed;
  NJ_ASSIGN(bool mine, IsMe("LISTEN_PID", *pid));
  if (!mine) return passed;
  NJ_ASSIGN(uint64_t number, Number("LISTEN_FDS", *count, kPassedMax));
  for (int fd = kFirstSocket; fd < kFirstSocket + static_cast<int>(number); ++fd) {
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
      return FailErrno("LISTEN_FDS=" + *count + ", but descriptor " + std::to_string(fd));
    (names.Next() == kConnectionName ? passed.connections : passed.sockets).emplace_back(fd);
  }
  return passed;
}

// systemd sets it since version 254; before, the unit does, beside FileDescriptorStoreMax=.
Result<size_t> TakeStore() {
  auto count = Take("FDSTORE");
  if (!count) return 0u;
  NJ_ASSIGN(uint64_t number, Number("FDSTORE", *count, UINT32_MAX));
  return std::min<size_t>(number, bounds::kConnectionsKept);
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
  auto passed = TakePassed();
  auto store = TakeStore();
  NJ_ASSIGN(manager.address_, std::move(address));
  NJ_ASSIGN(manager.alive_period_, std::move(period));
  NJ_ASSIGN(Passed here, std::move(passed));
  manager.sockets_ = std::move(here.sockets);
  manager.connections_ = std::move(here.connections);
  NJ_ASSIGN(size_t kept_max, store);
  if (manager.address_.empty()) return manager;
  manager.connections_kept_max_ = kept_max;
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

bool ServiceManager::Keep(std::span<const Fd> connections) {
  return TrySend(std::string("FDSTORE=1\nFDNAME=") + kConnectionName, connections);
}

bool ServiceManager::ForgetConnections() {
  return TrySend(std::string("FDSTOREREMOVE=1\nFDNAME=") + kConnectionName, {});
}

bool ServiceManager::Barrier(const Fd& end) {
  return TrySend("BARRIER=1", {&end, 1});
}

void ServiceManager::Send(std::string_view message) {
  if (!socket_.valid() || TrySend(message, {})) return;
  LogWarning("service_manager_deaf",
             {{"message", message.substr(0, message.find('\n'))},
              {"error", FailErrno("telling the service manager").value().ToString()}});
}

bool ServiceManager::TrySend(std::string_view message, std::span<const Fd> fds) {
  CHECK(fds.size() <= bounds::kFdsPerNotice);
  if (!socket_.valid()) return false;
  // The address is looked up each time: a manager that was executed anew has a new socket there.
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  memcpy(name.sun_path, address_.data(), address_.size());
  iovec text{const_cast<char*>(message.data()), message.size()};
  msghdr packet{};
  packet.msg_name = &name;
  packet.msg_namelen = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address_.size());
  packet.msg_iov = &text;
  packet.msg_iovlen = 1;
  alignas(cmsghdr) char control[CMSG_SPACE(bounds::kFdsPerNotice * sizeof(int))] = {};
  if (!fds.empty()) {
    packet.msg_control = control;
    packet.msg_controllen = CMSG_SPACE(fds.size() * sizeof(int));
    cmsghdr* header = CMSG_FIRSTHDR(&packet);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
    for (size_t i = 0; i < fds.size(); ++i) {
      int fd = fds[i].get();
      memcpy(CMSG_DATA(header) + i * sizeof fd, &fd, sizeof fd);
    }
  }
  return sendmsg(socket_.get(), &packet, MSG_NOSIGNAL) == static_cast<ssize_t>(message.size());
}

}  // namespace nightjar
