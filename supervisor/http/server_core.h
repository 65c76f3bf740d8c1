// What the connections of one server share. Outlives the server while one of them is still on the
// stack.
#pragma once

#include <list>
#include <memory>
#include <vector>

#include "supervisor/http/connection.h"
#include "supervisor/http/response_head.h"
#include "supervisor/http/server.h"

namespace nightjar::http {

struct ServerCore {
  ServerCore(Loop& loop, const Clock& clock, Options options, Handler handler)
      : loop(loop),
        clock(clock),
        options(options),
        handler(std::move(handler)),
        scratch(bounds::kHttpReadBytes, '\0') {}

  Loop& loop;
  const Clock& clock;
  const Options options;
  const Handler handler;
  std::list<std::shared_ptr<Connection>> connections;
  size_t bodies_bytes = 0;  // of all requests received or not yet answered
  DateText date;
  std::string scratch;  // one read of one connection
  Server::Keep keep;    // in a drain; null: nobody keeps a connection

  // Set by the server while it lives.
  std::function<void(std::weak_ptr<Connection>)> resume_later;
  std::function<void()> on_closed;

  MonoTime Now() const { return clock.Mono(); }
};

}  // namespace nightjar::http
