// A test in systemd's place: it passes the socket, hears what the supervisor says of itself, and
// keeps connections for it.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "ipc/core/check.h"
#include "supervisor/http/server.h"
#include "tests/support/notify_socket.h"
#include "tests/support/server_rig.h"

namespace nightjar::e2e {

class Manager {
 public:
  // `keeps`: how many connections it keeps for the next process.
  explicit Manager(size_t keeps = 0) : keeps_(keeps) {
    char path[] = "/var/tmp/nightjar-manager-XXXXXX";
    CHECK(mkdtemp(path) != nullptr);
    folder_ = path;
    CHECK(chmod(path, 0755) == 0);
    auto listener = http::ListenTcp("127.0.0.1:0");
    CHECK(listener.has_value());
    listener_ = std::move(*listener);
    notify_ = testing::BindNotifySocket(Path());
    // As systemd's own: the supervisor has no privilege when it speaks.
    CHECK(chmod(Path().c_str(), 0777) == 0);
  }
  ~Manager() {
    StopHearing();
    std::filesystem::remove_all(folder_);
  }

  std::string Path() const { return folder_ + "/notify"; }
  // What systemd does between fork and exec.
  void Prepare() const {
    std::string self = std::to_string(getpid());
    std::vector<int> high{fcntl(listener_.get(), F_DUPFD, kAbovePlaces)};
    std::string names = "nightjar.socket";
    for (const Fd& fd : store_) {
      high.push_back(fcntl(fd.get(), F_DUPFD, kAbovePlaces));
      names += ":connection";
    }
    for (size_t i = 0; i < high.size(); ++i) {
      int place = 3 + static_cast<int>(i);
      CHECK(dup2(high[i], place) == place);
      close(high[i]);
    }
    setenv("LISTEN_FDS", std::to_string(high.size()).c_str(), 1);
    setenv("LISTEN_PID", self.c_str(), 1);
    setenv("LISTEN_FDNAMES", names.c_str(), 1);
    if (keeps_ > 0) setenv("FDSTORE", std::to_string(keeps_).c_str(), 1);
    setenv("NOTIFY_SOCKET", Path().c_str(), 1);
    setenv("WATCHDOG_USEC", "200000", 1);
    setenv("WATCHDOG_PID", self.c_str(), 1);
  }
  // Until a message with `word` has come; everything else that came in between is dropped. At
  // most ten seconds.
  std::string WaitFor(const std::string& word) {
    std::string message;
    bool came = Eventually([&] {
      while (auto heard = Hear()) {
        message = *heard;
        if (message.find(word) != std::string::npos) return true;
      }
      return false;
    });
    return came ? message : "no message with " + word;
  }
  void Drop() {
    while (Hear()) {
    }
  }
  // From now on everything is heard as it comes, as by systemd, until StopHearing().
  void StartHearing() {
    hears_ = true;
    hearing_ = std::thread([this] {
      while (hears_) {
        SaysAnything(5);
        Drop();
      }
    });
  }
  // All that was said is dealt with afterwards: a process that is gone says no more.
  void StopHearing() {
    hears_ = false;
    if (hearing_.joinable()) hearing_.join();
    Drop();
  }
  size_t kept() const { return store_.size(); }
  // A client of the socket that was passed, with a bound on its patience.
  Fd Connect() const {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    CHECK(getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
    Fd client(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    timeval patience{20, 0};
    setsockopt(client.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    CHECK(connect(client.get(), reinterpret_cast<sockaddr*>(&address), size) == 0);
    return client;
  }
  bool SaysAnything(int milliseconds) {
    pollfd waiting{notify_.get(), POLLIN, 0};
    return poll(&waiting, 1, milliseconds) == 1;
  }
  ServerOptions Options(const std::string& listen = "systemd") {
    return {.policy = "[default]\nwall = \"30s\"\ncpu = \"30s\"\n",
            .listen = listen,
            .before_exec = [this] { Prepare(); }};
  }

 private:
  static constexpr int kAbovePlaces = 512;

  // The next message, after what it asks for was done. nullopt: none is there.
  std::optional<std::string> Hear() {
    auto notice = testing::ReadNotice(notify_);
    if (!notice) return std::nullopt;
    if (notice->text == "FDSTORE=1\nFDNAME=connection")
      for (Fd& fd : notice->fds)
        if (store_.size() < keeps_) store_.push_back(std::move(fd));
    if (notice->text == "FDSTOREREMOVE=1\nFDNAME=connection") store_.clear();
    return std::move(notice->text);  // and the end of a barrier is closed
  }

  std::string folder_;
  Fd listener_;
  Fd notify_;
  size_t keeps_;
  std::vector<Fd> store_;
  std::thread hearing_;
  std::atomic<bool> hears_ = false;
};

}  // namespace nightjar::e2e
