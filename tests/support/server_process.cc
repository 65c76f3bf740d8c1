#include "tests/support/server_process.h"

#include <arpa/inet.h>
#include <grp.h>
#include <netinet/in.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ipc/core/fd.h"

namespace nightjar::e2e {

uint16_t FreePort() {
  static uint16_t next = static_cast<uint16_t>(10'000 + getpid() % 5'000 * 2);
  for (;;) {
    Fd probe(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_port = htons(++next);
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(probe.get(), reinterpret_cast<sockaddr*>(&name), sizeof name) == 0) return next;
  }
}

void BecomeUser(const char* name) {
  const passwd* user = getpwnam(name);
  if (user == nullptr || initgroups(name, user->pw_gid) != 0 || setgid(user->pw_gid) != 0 ||
      setuid(user->pw_uid) != 0)
    _exit(126);
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

}  // namespace nightjar::e2e
