// Programs that want to talk to somebody.
#include <arpa/inet.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>

#include "tests/hostile/crimes/crime.h"

namespace nightjar::hostile {
namespace {

constexpr const char* kKind = "network";

#define NJ_SOCKET(name, ...)                   \
  NJ_CRIME(name, "finished", "EAFNOSUPPORT") { \
    SayResult(socket(__VA_ARGS__));            \
  }

NJ_SOCKET(stream_socket, AF_INET, SOCK_STREAM, 0)
NJ_SOCKET(datagram_socket, AF_INET6, SOCK_DGRAM, 0)
NJ_SOCKET(raw_socket, AF_INET, SOCK_RAW, IPPROTO_ICMP)
NJ_SOCKET(packet_socket, AF_PACKET, SOCK_RAW, 0)
NJ_SOCKET(local_socket, AF_UNIX, SOCK_STREAM, 0)
NJ_SOCKET(kernels_socket, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE)
NJ_SOCKET(crypto_socket, AF_ALG, SOCK_SEQPACKET, 0)
NJ_SOCKET(machine_socket, AF_VSOCK, SOCK_STREAM, 0)

int Pair(int type) {
  int ends[2];
  return socketpair(AF_UNIX, type, 0, ends) == 0 ? ends[0] : -1;
}

// A socket pair is the only socket it has: can it be turned into another?
NJ_CRIME(connects_to_the_metadata_service, "denied_syscall", "connect") {
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(80);
  name.sin_addr.s_addr = inet_addr("169.254.169.254");
  SayResult(connect(Pair(SOCK_STREAM), reinterpret_cast<sockaddr*>(&name), sizeof name));
}

NJ_CRIME(binds_an_abstract_name, "denied_syscall", "bind") {
  sockaddr_un name{AF_UNIX, "\0left"};
  SayResult(bind(Pair(SOCK_DGRAM), reinterpret_cast<sockaddr*>(&name), 8));
}

NJ_CRIME(listens, "denied_syscall", "listen") {
  SayResult(listen(Pair(SOCK_STREAM), 5));
}

NJ_CRIME(pair_of_another_family, "denied_syscall", "socketpair") {
  int ends[2];
  SayResult(socketpair(AF_TIPC, SOCK_STREAM, 0, ends));
}

NJ_CRIME(sends_to_an_abstract_name, "finished", "ECONNREFUSED") {
  sockaddr_un name{AF_UNIX, "\0left"};
  SayResult(sendto(Pair(SOCK_DGRAM), "x", 1, 0, reinterpret_cast<sockaddr*>(&name), 8));
}

NJ_CRIME(tells_who_it_is, "finished", "ENOPROTOOPT") {
  int one = 1;
  SayResult(setsockopt(Pair(SOCK_DGRAM), SOL_SOCKET, SO_PASSCRED, &one, sizeof one));
}

NJ_CRIME(claims_to_be_root, "finished", "EPERM") {
  ucred root{1, 0, 0};
  SayResult(SendControl(Pair(SOCK_DGRAM), SCM_CREDENTIALS, &root, sizeof root));
}

}  // namespace
}  // namespace nightjar::hostile
