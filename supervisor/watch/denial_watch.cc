#include "supervisor/watch/denial_watch.h"

#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <vector>

#include "ipc/core/bounds.h"

namespace nightjar {
namespace {

bool IsListener(const Fd& fd) {
  std::string path = "/proc/self/fd/" + std::to_string(fd.get());
  char target[64];
  ssize_t length = readlink(path.c_str(), target, sizeof target);
  return length > 0 &&
         std::string_view(target, static_cast<size_t>(length)) == "anon_inode:seccomp notify";
}

// A kernel that is newer than these headers may write more.
size_t NotificationBytes() {
  static const size_t bytes = [] {
    seccomp_notif_sizes sizes{};
    if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) != 0) return size_t{0};
    return size_t{sizes.seccomp_notif};
  }();
  return std::max(bytes, sizeof(seccomp_notif));
}

// A listener whose filter nobody has any more is told as readable too (POLLHUP), and receiving from
// it would wait for ever.
unsigned Ready(const Fd& listener) {
  pollfd look{listener.get(), POLLIN, 0};
  return poll(&look, 1, 0) == 1 ? static_cast<unsigned>(look.revents) : 0;
}

// What a thread calls itself, as far as it can be shown.
std::string ThreadName(int tid) {
  auto name = ReadFileAt(AT_FDCWD, ("/proc/" + std::to_string(tid) + "/comm").c_str(),
                         bounds::kThreadNameBytes);
  if (!name) return "";
  if (name->ends_with('\n')) name->pop_back();
  std::replace_if(
      name->begin(), name->end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return *name;
}

}  // namespace

Result<std::unique_ptr<DenialWatch>> DenialWatch::Create(Loop& loop, Fd listener, Denied denied) {
  if (!IsListener(listener))
    return Fail(ErrorCode::kProtocol, "what it sent is no listener of denied calls");
  return std::unique_ptr<DenialWatch>(
      new DenialWatch(loop, std::move(listener), std::move(denied)));
}

DenialWatch::DenialWatch(Loop& loop, Fd listener, Denied denied)
    : listener_(std::move(listener)),
      denied_(std::move(denied)),
      readable_(loop, listener_.get(), [this](unsigned) { OnReadable(); }) {
  readable_.Start(FdWatch::kReadable);
}

void DenialWatch::OnReadable() {
  unsigned ready = Ready(listener_);
  if ((ready & POLLIN) == 0) {
    if ((ready & (POLLHUP | POLLERR)) != 0) readable_.Stop();
    return;
  }
  // It cannot wait any more: the kernel counts what was announced, and what was taken back since
  // counts too, as ENOENT.
  std::vector<std::byte> buffer(NotificationBytes());  // the kernel wants zeros
  if (ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_RECV, buffer.data()) != 0) {
    // ENOENT: its thread was killed, or interrupted by a signal, since.
    if (errno == ENOENT || errno == EINTR) return;
    Error error{ErrorCode::kInternal, errno, "receiving a denied call"};
    readable_.Stop();
    return denied_(tl::unexpected<Error>(std::move(error)));
  }
  readable_.Stop();
  seccomp_notif notification;
  memcpy(&notification, buffer.data(), sizeof notification);
  DeniedCall call;
  call.number = notification.data.nr;
  std::copy_n(std::begin(notification.data.args), call.arguments.size(), call.arguments.begin());
  call.tid = static_cast<int>(notification.pid);
  if (call.tid != 0) call.thread = ThreadName(call.tid);
  // Its number is another thread's once it is gone.
  if (ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_ID_VALID, &notification.id) != 0)
    call.thread.clear();
  denied_(std::move(call));
}

}  // namespace nightjar
