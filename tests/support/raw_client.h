// A client that sends exactly the bytes a test gives it and keeps all that comes back, on the same
// loop as the server it talks to.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "ipc/core/check.h"
#include "ipc/core/fd.h"
#include "supervisor/loop/loop.h"

namespace nightjar::testing {

class RawClient {
 public:
  // "127.0.0.1:8080", or a Unix socket's path.
  RawClient(Loop& loop, const std::string& address) {
    bool local = address.front() == '/';
    socket_ = Fd(::socket(local ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    int failed = local ? ConnectUnix(address) : ConnectTcp(address);
    CHECK(failed == 0);
    watch_ = std::make_unique<FdWatch>(loop, socket_.get(), [this](unsigned) { Read(); });
    watch_->Start(FdWatch::kReadable);
  }

  // The kernel takes it all, or as much as it holds: the rest is left out and the count returned.
  size_t Send(std::string_view bytes) {
    ssize_t put = send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    return put < 0 ? 0 : static_cast<size_t>(put);
  }
  void EndSending() { shutdown(socket_.get(), SHUT_WR); }
  void StopReading() { watch_->Stop(); }
  void StartReading() { watch_->Start(FdWatch::kReadable); }
  void Close() {
    watch_.reset();
    socket_.Close();
  }
  // Closes with a reset instead of a goodbye.
  void Reset() {
    linger at_once{1, 0};
    setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    Close();
  }

  const std::string& received() const { return received_; }
  bool ended() const { return ended_; }  // the server closed
  bool was_reset() const { return reset_; }
  bool Has(std::string_view text) const { return received_.find(text) != std::string::npos; }
  size_t Count(std::string_view text) const {
    size_t count = 0;
    for (size_t at = 0; (at = received_.find(text, at)) != std::string::npos; at += text.size())
      ++count;
    return count;
  }
  const Fd& socket() const { return socket_; }

 private:
  int ConnectTcp(const std::string& address) {
    size_t colon = address.rfind(':');
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_port = htons(static_cast<uint16_t>(std::stoi(address.substr(colon + 1))));
    inet_pton(AF_INET, address.substr(0, colon).c_str(), &name.sin_addr);
    return connect(socket_.get(), reinterpret_cast<sockaddr*>(&name), sizeof name);
  }
  int ConnectUnix(const std::string& path) {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    CHECK(path.size() < sizeof name.sun_path);
    memcpy(name.sun_path, path.data(), path.size());
    return connect(socket_.get(), reinterpret_cast<sockaddr*>(&name), sizeof name);
  }
  void Read() {
    char chunk[64 * 1024];
    ssize_t got = recv(socket_.get(), chunk, sizeof chunk, MSG_DONTWAIT);
    if (got > 0) {
      received_.append(chunk, static_cast<size_t>(got));
    } else if (got == 0 || errno != EAGAIN) {
      ended_ = true;
      reset_ = got < 0;
      watch_->Stop();
    }
  }

  Fd socket_;
  std::unique_ptr<FdWatch> watch_;
  std::string received_;
  bool ended_ = false;
  bool reset_ = false;
};

}  // namespace nightjar::testing
