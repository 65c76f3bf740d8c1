// A small HTTP server of a test's own on a port of loopback, which answers as it is told, well or
// badly. Each request is one call of the test's function, on a thread of the connection.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "ipc/core/ascii.h"
#include "ipc/core/fd.h"

namespace nightjar::testing {

struct SeenRequest {
  std::string method, target;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
};

// What to write, byte by byte; and what then.
struct SentAnswer {
  std::string bytes;
  enum class Then { kGoOn, kClose, kHang } then = Then::kGoOn;
};

inline SentAnswer Respond(int status, const std::string& body = "",
                          const std::string& headers = "") {
  return {"HTTP/1.1 " + std::to_string(status) + " x\r\nContent-Length: " +
          std::to_string(body.size()) + "\r\n" + headers + "\r\n" + body};
}

class FakeHttp {
 public:
  using Answering = std::function<SentAnswer(const SeenRequest&)>;

  explicit FakeHttp(Answering answering) : answering_(std::move(answering)) {
    listener_ = Fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof name;
    EXPECT_EQ(bind(listener_.get(), reinterpret_cast<sockaddr*>(&name), size), 0);
    EXPECT_EQ(listen(listener_.get(), 64), 0);
    EXPECT_EQ(getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&name), &size), 0);
    port_ = ntohs(name.sin_port);
    accepting_ = std::thread([this] { Accept(); });
  }
  ~FakeHttp() {
    {
      std::lock_guard lock(mutex_);
      ending_ = true;
      for (int fd : open_) shutdown(fd, SHUT_RDWR);
    }
    shutdown(listener_.get(), SHUT_RDWR);
    accepting_.join();
    for (std::thread& thread : threads_) thread.join();
  }

  uint16_t port() const { return port_; }
  std::vector<SeenRequest> seen() {
    std::lock_guard lock(mutex_);
    return seen_;
  }

 private:
  void Accept() {
    for (;;) {
      int fd = accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) return;
      std::lock_guard lock(mutex_);
      open_.push_back(fd);
      if (ending_) shutdown(fd, SHUT_RDWR);
      threads_.emplace_back([this, fd] { Serve(fd); });
    }
  }

  void Serve(int fd) {
    std::string received;
    for (bool more = true; more;) {
      SeenRequest request;
      more = Receive(fd, received, request);
      if (!more) break;
      {
        std::lock_guard lock(mutex_);
        seen_.push_back(request);
      }
      SentAnswer answer = answering_(request);
      std::string_view rest = answer.bytes;
      while (!rest.empty()) {
        ssize_t put = send(fd, rest.data(), rest.size(), MSG_NOSIGNAL);
        if (put <= 0) break;
        rest.remove_prefix(static_cast<size_t>(put));
      }
      if (answer.then == SentAnswer::Then::kHang) {
        char byte;
        while (recv(fd, &byte, 1, 0) > 0) {
        }
      }
      more = answer.then == SentAnswer::Then::kGoOn;
    }
    std::lock_guard lock(mutex_);
    open_.remove(fd);
    close(fd);
  }

  static bool Receive(int fd, std::string& received, SeenRequest& request) {
    size_t head = 0;
    while ((head = received.find("\r\n\r\n")) == received.npos)
      if (!More(fd, received)) return false;
    size_t line_end = received.find("\r\n");
    std::string line = received.substr(0, line_end);
    request.method = line.substr(0, line.find(' '));
    request.target = line.substr(line.find(' ') + 1);
    request.target.resize(request.target.rfind(' '));
    for (size_t at = line_end + 2; at < head;) {
      size_t end = received.find("\r\n", at);
      std::string field = received.substr(at, end - at);
      request.headers[ToLowerAscii(field.substr(0, field.find(':')))] =
          TrimAscii(field.substr(field.find(':') + 1), " ");
      at = end + 2;
    }
    size_t length =
        request.headers.count("content-length") ? std::stoul(request.headers["content-length"]) : 0;
    while (received.size() < head + 4 + length)
      if (!More(fd, received)) return false;
    request.body = received.substr(head + 4, length);
    received.erase(0, head + 4 + length);
    return true;
  }

  static bool More(int fd, std::string& received) {
    char chunk[65536];
    ssize_t got = recv(fd, chunk, sizeof chunk, 0);
    if (got <= 0) return false;
    received.append(chunk, static_cast<size_t>(got));
    return true;
  }

  Answering answering_;
  Fd listener_;
  uint16_t port_ = 0;
  std::mutex mutex_;
  bool ending_ = false;
  std::list<int> open_;
  std::vector<SeenRequest> seen_;
  std::list<std::thread> threads_;
  std::thread accepting_;
};

}  // namespace nightjar::testing
