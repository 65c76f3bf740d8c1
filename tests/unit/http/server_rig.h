// A server on a loop of its own, whose handler keeps what it is asked until the test answers.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <string>

#include "supervisor/http/server.h"
#include "tests/support/loop_rig.h"
#include "tests/support/raw_client.h"

namespace nightjar::http {

class ServerRig : public ::testing::Test {
 protected:
  struct Asked {
    Request request;
    Responder responder;
  };

  // `echo`: answers each request at once with its method and target. Otherwise they are kept in
  // asked_.
  enum class Mode { kEcho, kKeep };
  void Serve(Mode mode, Options options = {}) {
    auto listener = ListenTcp("127.0.0.1:0");
    ASSERT_TRUE(listener.has_value());
    address_ = *BoundAddress(*listener);
    ServeOn(std::move(*listener), mode, options);
  }
  void ServeOn(Fd listener, Mode mode, Options options = {}) {
    auto server = Server::Create(
        rig_.loop(), clock_, std::move(listener), options,
        [this, mode](Request request, Responder responder) {
          ++requests_;
          if (mode == Mode::kKeep) {
            asked_.push_back({std::move(request), std::move(responder)});
          } else {
            responder.Send(Text(request.method + " " + request.target + " " + request.body + ";"));
          }
        });
    ASSERT_TRUE(server.has_value());
    server_ = std::move(*server);
  }

  static Response Text(std::string text) {
    Response response;
    response.headers.emplace_back("Content-Type", "text/plain");
    response.body = std::move(text);
    return response;
  }

  std::unique_ptr<testing::RawClient> Client() {
    return std::make_unique<testing::RawClient>(rig_.loop(), address_);
  }
  bool Until(std::function<bool()> fact) { return rig_.RunUntil(std::move(fact)); }
  // Waits until all that is on its way has been dealt with: a request on a connection of its own
  // comes after it. For facts that something does not happen.
  void Quiesce() {
    for (int round = 0; round < 3; ++round) {
      bool turned = false;
      Timer turn(rig_.loop(), [&] { turned = true; });
      turn.StartAfter(std::chrono::milliseconds(1));
      ASSERT_TRUE(Until([&] { return turned; }));
    }
  }

  testing::LoopRig rig_;
  SystemClock clock_;
  std::string address_;
  std::deque<Asked> asked_;
  size_t requests_ = 0;
  std::unique_ptr<Server> server_;
};

inline const std::string kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

}  // namespace nightjar::http
