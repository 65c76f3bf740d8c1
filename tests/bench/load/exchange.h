// One keep-alive HTTP/1.1 connection that sends the same request again and again, one at a time. No
// loop of its own.
//
// It reads just enough of an answer to know its status and its end (Content-Length only: the server
// under test always sends one).
#pragma once

#include <cstdint>
#include <string>

#include "ipc/core/clock.h"
#include "ipc/core/fd.h"
#include "ipc/core/result.h"

namespace nightjar::bench {

class Exchange {
 public:
  // `request`: the whole text, head and body; outlives this. Connects at once.
  static Result<Exchange> Connect(uint16_t port, const std::string& request);

  int fd() const { return fd_.get(); }
  // Starts the next request. Its latency counts from here.
  Status Begin(MonoTime now);
  // The socket is ready: writes what is left, reads what is there. True when the answer is
  // complete.
  Result<bool> Continue();
  // Of the answer that just became complete.
  unsigned status() const { return status_; }
  MonoTime began() const { return began_; }
  const std::string& body() const { return body_; }
  bool wants_to_write() const { return sent_ < request_->size(); }

 private:
  Exchange(Fd fd, const std::string& request) : fd_(std::move(fd)), request_(&request) {}
  Status Write();
  bool Complete();

  Fd fd_;
  const std::string* request_;
  size_t sent_ = 0;
  std::string received_;
  unsigned status_ = 0;
  std::string body_;
  MonoTime began_{};
};

}  // namespace nightjar::bench
