// A control socket that answers what a test told it to, and remembers what it was asked. One
// request a connection.
#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "ipc/core/check.h"
#include "ipc/core/fd.h"

namespace nightjar::cli {

// A directory of its own that goes with it.
class TempDir {
 public:
  TempDir() {
    char path[] = "/tmp/nightjar-cli-XXXXXX";
    CHECK(mkdtemp(path) != nullptr);
    path_ = path;
  }
  ~TempDir() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

class FakeSupervisor {
 public:
  struct Request {
    std::string line;  // "GET /runs HTTP/1.1"
    std::string body;
    std::string head = {};  // all of it, the line too
  };
  struct Reply {
    int status = 200;
    std::string body;
    bool hang_up = false;      // in the middle of the answer
    std::string headers = {};  // whole lines
  };
  using Answering = std::function<Reply(const Request&)>;

  FakeSupervisor() {
    listener_ = Fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::string path = dir_.path() + "/control.sock";
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    CHECK(bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    CHECK(listen(listener_.get(), 8) == 0);
    CHECK(pipe(stop_) == 0);
    thread_ = std::thread([this] { Serve(); });
  }
  ~FakeSupervisor() {
    CHECK(write(stop_[1], "x", 1) == 1);
    thread_.join();
    close(stop_[0]);
    close(stop_[1]);
  }

  const std::string& state() const { return dir_.path(); }
  // To "GET /runs", with the query.
  void On(const std::string& request, Reply reply) {
    OnEach(request, [reply = std::move(reply)](const Request&) { return reply; });
  }
  // The same, as each is; on the supervisor's thread.
  void OnEach(const std::string& request, Answering answering) {
    std::lock_guard lock(mutex_);
    replies_[request] = std::move(answering);
  }
  std::vector<Request> requests() {
    std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  void Serve() {
    for (;;) {
      pollfd watched[] = {{listener_.get(), POLLIN, 0}, {stop_[0], POLLIN, 0}};
      if (poll(watched, 2, -1) < 0) continue;
      if (watched[1].revents != 0) return;
      Fd connection(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (connection.valid()) Answer(connection);
    }
  }

  void Answer(const Fd& connection) {
    std::string text = ReadRequest(connection);
    size_t head = text.find("\r\n\r\n");
    if (head == std::string::npos) return;
    Request request{text.substr(0, text.find("\r\n")), text.substr(head + 4),
                    text.substr(0, head + 2)};
    Reply reply{404, "{\"error\":\"there is no such thing\"}"};
    {
      std::lock_guard lock(mutex_);
      auto known = replies_.find(request.line.substr(0, request.line.rfind(' ')));
      if (known != replies_.end()) reply = known->second(request);
      requests_.push_back(std::move(request));
    }
    std::string answer = "HTTP/1.1 " + std::to_string(reply.status) + " X\r\nContent-Length: " +
                         std::to_string(reply.body.size() + (reply.hang_up ? 10 : 0)) + "\r\n" +
                         reply.headers + "Connection: close\r\n\r\n" + reply.body;
    for (size_t sent = 0; sent < answer.size();) {
      ssize_t some =
          send(connection.get(), answer.data() + sent, answer.size() - sent, MSG_NOSIGNAL);
      if (some <= 0) return;
      sent += static_cast<size_t>(some);
    }
  }

  static std::string ReadRequest(const Fd& connection) {
    std::string text;
    size_t wanted = std::string::npos;
    char block[4096];
    while (text.size() < wanted) {
      ssize_t got = read(connection.get(), block, sizeof block);
      if (got <= 0) break;
      text.append(block, static_cast<size_t>(got));
      size_t head = text.find("\r\n\r\n");
      if (head == std::string::npos) continue;
      size_t length = text.find("Content-Length: ");
      wanted = head + 4;
      if (length < head) wanted += std::stoul(text.substr(length + 16));
    }
    return text;
  }

  TempDir dir_;
  Fd listener_;
  int stop_[2];
  std::mutex mutex_;
  std::map<std::string, Answering> replies_;
  std::vector<Request> requests_;
  std::thread thread_;
};

}  // namespace nightjar::cli
