// Runs through the product's own service, pool and factory, in workers that a test plays.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "supervisor/run/run_service.h"
#include "tests/support/workers_rig.h"

namespace nightjar::testing {

// What became of one run, as its caller sees it.
struct Call {
  RunId id;
  int answers = 0;
  RunResult result;  // of the last answer
};

class RunRig : public WorkersRig<SystemClock> {
 protected:
  RunRig() {
    limits_.armed.value = 0;  // a worker for each run, and no other
    limits_.wall.value = std::chrono::seconds(60);
    limits_.cpu.value = std::chrono::seconds(60);
    limits_.queue_time.value = std::chrono::seconds(60);
  }

  RunOrder Order() {
    RunOrder order;
    order.id = RunId::New(clock_.Wall());
    order.revision = revision_;
    order.handler = revision_->manifest.handlers(0);
    order.limits = limits_;
    order.message.mutable_http()->set_method("GET");
    order.message.mutable_http()->set_path("/hello/you");
    order.caller = "127.0.0.1:9";
    order.request_line = "GET /hello/you";
    order.received = clock_.Mono();
    order.received_wall = clock_.Wall();
    return order;
  }
  Call& Start() { return Start(Order()); }
  Call& Start(RunOrder order) {
    Call& call = calls_.emplace_back();
    call.id = order.id;
    order.done = [this, &call](RunResult result) {
      ++call.answers;
      call.result = std::move(result);
      answered_with_ = journal_.ended.size();
    };
    runs_.Start(std::move(order));
    return call;
  }
  // Until a worker has been told to do it; then that worker.
  FakeWorker& Running(const Call& call) {
    FakeWorker* found = nullptr;
    EXPECT_TRUE(Until([&] {
      for (auto& worker : zygote_.workers) {
        if (worker->released) continue;
        if (worker->HearRun().run_id() != call.id.bytes()) continue;
        heard_ = worker->HearRun();
        found = worker.get();
      }
      return found != nullptr;
    }));
    return found != nullptr ? *found : zygote_.last();
  }
  bool UntilAnswered(const Call& call) {
    return Until([&] { return call.answers > 0; });
  }
  // Answered, and nothing more comes.
  bool UntilOver(const Call& call) {
    bool answered = UntilAnswered(call);
    Settle();
    return answered && call.answers == 1;
  }

  static proto::FromWorker Finished(const Call& call, const std::string& body = "hello") {
    proto::FromWorker message;
    message.mutable_finished()->set_run_id(std::string(call.id.bytes()));
    message.mutable_finished()->set_status(200);
    message.mutable_finished()->set_body(body);
    return message;
  }
  static proto::FromWorker LimitHit(const Call& call, proto::SelfLimit limit, uint64_t measured) {
    proto::FromWorker message;
    message.mutable_limit_hit()->set_run_id(std::string(call.id.bytes()));
    message.mutable_limit_hit()->set_limit(limit);
    message.mutable_limit_hit()->set_measured(measured);
    return message;
  }
  // What the journal was told of its end; it must have been told once.
  const proto::RunEnded& Ended(const Call& call) {
    const proto::RunEnded* found = nullptr;
    for (const proto::RunEnded& ended : journal_.ended) {
      if (ended.run_id() != call.id.bytes()) continue;
      EXPECT_EQ(found, nullptr) << "a run ended twice";
      found = &ended;
    }
    static const proto::RunEnded kNone;
    EXPECT_NE(found, nullptr) << "nobody was told of a run's end";
    return found != nullptr ? *found : kNone;
  }

  RevisionPtr revision_ = SomeRevision("demo", 1);
  Metrics metrics_;
  DeadlineGuard guard_;
  // No test goes by how fast this machine looks at a process.
  RunService runs_{
      rig_.loop(), clock_, pool_, journal_, metrics_, &guard_, std::chrono::minutes(1)};
  std::deque<Call> calls_;
  proto::Run heard_;          // by the worker that Running() found
  size_t answered_with_ = 0;  // ends that the journal knew when a caller was answered last
};

}  // namespace nightjar::testing
