#include "conformance/raw_exchange.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <charconv>

#include "conformance/http_file.h"
#include "ipc/core/fd.h"

namespace nightjar::conformance {
namespace {

Result<Fd> Connect(const std::string& address) {
  size_t colon = address.rfind(':');
  sockaddr_in name{};
  name.sin_family = AF_INET;
  uint16_t port = 0;
  std::from_chars(address.data() + colon + 1, address.data() + address.size(), port);
  name.sin_port = htons(port);
  inet_pton(AF_INET, address.substr(0, colon).c_str(), &name.sin_addr);
  Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket.valid() ||
      connect(socket.get(), reinterpret_cast<sockaddr*>(&name), sizeof name) != 0)
    return FailErrno("connecting to " + address);
  return socket;
}

// Whether `bytes` hold a response to a request of this method as a whole.
bool Whole(const std::string& bytes, bool head_request) {
  size_t end = bytes.find("\r\n\r\n");
  if (end == std::string::npos) return false;
  auto response = ParseRawResponse(bytes);
  if (!response || head_request) return response.has_value();
  for (const auto& [name, value] : response->headers) {
    size_t length = 0;
    if (name != "content-length") continue;
    std::from_chars(value.data(), value.data() + value.size(), length);
    return bytes.size() - (end + 4) >= length;
  }
  return false;  // it ends with its connection
}

}  // namespace

Result<std::string> Exchange(Loop& loop, const std::string& address, std::string_view request,
                             Nanos patience) {
  NJ_ASSIGN(Fd socket, Connect(address));
  std::string received;
  bool head_request = request.starts_with("HEAD ");
  bool done = false;
  bool in_time = true;
  FdWatch watch(loop, socket.get(), [&](unsigned events) {
    if ((events & FdWatch::kWritable) && !request.empty()) {
      ssize_t put = send(socket.get(), request.data(), request.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (put > 0) request.remove_prefix(static_cast<size_t>(put));
      if (request.empty()) watch.Start(FdWatch::kReadable);
    }
    char chunk[16 * 1024];
    ssize_t got = recv(socket.get(), chunk, sizeof chunk, MSG_DONTWAIT);
    if (got > 0) received.append(chunk, static_cast<size_t>(got));
    bool ended = got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
    done = ended || Whole(received, head_request);
    if (done) loop.Stop();
  });
  Timer guard(loop, [&] {
    in_time = false;
    loop.Stop();
  });
  watch.Start(FdWatch::kReadable | FdWatch::kWritable);
  guard.StartAfter(patience);
  loop.Run();
  if (!in_time) return Fail(ErrorCode::kTimedOut, "waiting for an answer");
  return received;
}

}  // namespace nightjar::conformance
