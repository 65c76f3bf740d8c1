// One request that was handed out and the answer it waits for: the seam between a connection, which
// may end at any time, and a handler, which may answer at any time.
//
// Shared by both; each looks at the other only through here. Loop thread only.
#pragma once

#include "supervisor/http/server.h"

namespace nightjar::http {

class Connection;

struct ExchangeState {
  Connection* connection = nullptr;  // null once the connection is gone: an answer is dropped
  bool client_gone = false;          // the client stopped sending, or the connection broke
  bool answered = false;             // wholly
  bool refusal = false;              // of the server's own: the client may still be sending
  bool head_request = false;         // its answer has no body
  bool http_1_0 = false;
  bool keep_alive = true;
  size_t body_bytes = 0;  // counted against Options::bodies_bytes_max until answered
  Response response;
  // An answer that comes bit by bit, and what of it waits behind the answers before it.
  bool streamed = false;
  bool head_sent = false;
  std::string waiting;
  std::function<void()> gone;  // see ResponseStream::OnGone
};

}  // namespace nightjar::http
