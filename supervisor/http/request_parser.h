// Bytes in, whole requests out: HTTP/1.0 and 1.1 without a socket, a clock or a loop.
//
// Boost.Beast splits the message; what is checked here is what a server must refuse beyond syntax:
// sizes, framing that two readers could understand differently, Host, Expect. It keeps no bytes:
// the caller holds what was not taken and offers it again with more behind it. Hostile input is the
// normal case: every refusal has a status, and after one the parser takes nothing more. Tests and
// fuzzers drive it directly; one thread at a time.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "supervisor/http/server.h"

namespace nightjar::http {

struct Refusal {
  unsigned status = 400;
  std::string_view reason;  // a constant; safe to show
};

struct ParsedRequest {
  Request request;  // without peer and time, which are the connection's to know
  bool keep_alive = true;
  bool http_1_0 = false;
};

class RequestParser {
 public:
  // Uses the bounds on bytes and counts of `options`, not the times. `options` must outlive it.
  explicit RequestParser(const Options& options);
  ~RequestParser();

  enum class Step {
    kMore,      // nothing further without more bytes
    kContinue,  // the header is whole and the client waits for "100 Continue"; told once a request
    kRequest,   // Take() it
    kRefused,   // refusal() says why
  };
  // Takes a beginning of `bytes` away.
  Step Parse(std::string_view& bytes);

  ParsedRequest Take();  // the next byte begins the next request
  Refusal refusal() const;

  // Where the current request stands, for deadlines: nothing of it seen, in its header, in its
  // body.
  enum class Phase { kIdle, kHeader, kBody };
  Phase phase() const;
  size_t body_bytes() const;  // of its body so far

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nightjar::http
