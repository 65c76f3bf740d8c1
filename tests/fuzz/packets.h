// Packets that a fuzzer's script puts together: any bytes or a message that is nearly right, and
// beside it descriptors of any kind, more of them than may be.
#pragma once

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <string_view>
#include <vector>

#include "ipc/core/fd.h"
#include "tests/fuzz/must.h"
#include "tests/fuzz/script.h"
#include "tests/support/send_packet.h"

namespace nightjar::fuzz {

inline Fd MemfdOf(std::string_view content, off_t bytes, int seals) {
  Fd fd(memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  Must(fd.valid() && WriteAll(fd, content, "fuzz").has_value(), "there can be a memfd");
  if (bytes > 0) Must(ftruncate(fd.get(), bytes) == 0, "a memfd has a size");
  Must(fcntl(fd.get(), F_ADD_SEALS, seals) == 0, "a memfd can be sealed");
  return fd;
}

inline Fd TakeFd(Script& script, const Fd& process) {
  constexpr int kWhole = F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_WRITE | F_SEAL_SEAL;
  switch (script.Byte() % 9) {
    case 0:
      return MemfdOf(script.Text(), 0, kWhole);
    case 1:
      return MemfdOf(script.Text(), 0, 0);
    case 2:
      return MemfdOf("", static_cast<off_t>(script.Byte()) << 17, kWhole);  // up to 32 MiB
    case 3:
      return MemfdOf(script.Text(), 0, F_SEAL_SHRINK);
    case 4: {
      int ends[2];
      Must(pipe2(ends, O_CLOEXEC) == 0, "there can be a pipe");
      Fd other(ends[1]);
      return Fd(ends[0]);
    }
    case 5:
      return Fd(epoll_create1(EPOLL_CLOEXEC));
    case 6:
      return Fd(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    case 7:
      return std::move(SeqpacketPair()->first);
    default:
      return std::move(*process.Duplicate());
  }
}

// As it is; a full or closed socket takes nothing.
inline void SendPacket(const Fd& socket, std::string_view bytes, const std::vector<Fd>& fds) {
  std::vector<int> numbers;
  for (const Fd& fd : fds) numbers.push_back(fd.get());
  (void)nightjar::SendPacket(socket.get(), bytes, numbers, MSG_DONTWAIT | MSG_NOSIGNAL);
}

// The descriptors that the script wants beside a message.
inline std::vector<Fd> TakeFds(Script& script, const Fd& process) {
  std::vector<Fd> fds(script.Byte() % 11);
  for (Fd& fd : fds) fd = TakeFd(script, process);
  return fds;
}

}  // namespace nightjar::fuzz
