#include "tests/bench/load/exchange.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <strings.h>
#include <sys/socket.h>

#include <cstdlib>
#include <cstring>

namespace nightjar::bench {
namespace {

// The value of Content-Length in a head, or npos.
size_t ContentLength(const std::string& head) {
  for (size_t at = head.find("\r\n"); at != std::string::npos; at = head.find("\r\n", at + 2)) {
    static constexpr char kName[] = "content-length:";
    if (strncasecmp(head.c_str() + at + 2, kName, sizeof kName - 1) == 0)
      return strtoul(head.c_str() + at + 2 + sizeof kName - 1, nullptr, 10);
  }
  return std::string::npos;
}

}  // namespace

Result<Exchange> Exchange::Connect(uint16_t port, const std::string& request) {
  Fd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return FailErrno("socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    return FailErrno("connecting to port " + std::to_string(port));
  int on = 1;
  setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return Exchange(std::move(fd), request);
}

Status Exchange::Begin(MonoTime now) {
  began_ = now;
  sent_ = 0;
  received_.clear();
  return Write();
}

Status Exchange::Write() {
  while (wants_to_write()) {
    ssize_t put = send(fd_.get(), request_->data() + sent_, request_->size() - sent_,
                       MSG_NOSIGNAL | MSG_DONTWAIT);
    if (put < 0 && errno == EAGAIN) return {};
    if (put < 0) return FailErrno("sending a request");
    sent_ += static_cast<size_t>(put);
  }
  return {};
}

Result<bool> Exchange::Continue() {
  NJ_TRY(Write());
  char chunk[65536];
  for (;;) {
    ssize_t got = recv(fd_.get(), chunk, sizeof chunk, MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN) return Complete();
    if (got < 0) return FailErrno("receiving an answer");
    if (got == 0) {
      if (Complete()) return true;
      return Fail(ErrorCode::kUnavailable,
                  "the server closed the connection before its answer was complete");
    }
    received_.append(chunk, static_cast<size_t>(got));
    if (Complete()) return true;
  }
}

bool Exchange::Complete() {
  size_t end = received_.find("\r\n\r\n");
  if (end == std::string::npos) return false;
  std::string head = received_.substr(0, end);
  size_t length = ContentLength(head);
  if (length == std::string::npos) length = 0;
  if (received_.size() < end + 4 + length) return false;
  status_ = head.size() > 12 ? static_cast<unsigned>(atoi(head.c_str() + 9)) : 0;
  body_ = received_.substr(end + 4, length);
  return true;
}

}  // namespace nightjar::bench
