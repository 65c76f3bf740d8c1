// Runs that end with an answer, and what the worker is told for it.

#include <gtest/gtest.h>

#include "ipc/core/bounds.h"
#include "tests/unit/run/run_rig.h"

namespace nightjar::testing {
namespace {

using AnswerTest = RunRig;

TEST_F(AnswerTest, AnAnswerEndsTheRun) {
  Call& call = Start();
  FakeWorker& worker = Running(call);
  worker.cell->usage.cpu_us = 700;
  proto::FromWorker answer = Finished(call, "hello");
  proto::Finished& finished = *answer.mutable_finished();
  finished.set_status(201);
  finished.add_headers()->set_name("X-Mood");
  finished.mutable_headers(0)->set_value("good");
  finished.set_trace_bytes(40);
  finished.set_trace_events(4);
  finished.set_trace_dropped(1);
  worker.Say(answer);
  ASSERT_TRUE(UntilOver(call));
  EXPECT_EQ(call.result.id, call.id);
  EXPECT_EQ(call.result.verdict, proto::VERDICT_FINISHED);
  EXPECT_EQ(call.result.status, 201u);
  EXPECT_EQ(call.result.body, "hello");
  ASSERT_EQ(call.result.headers.size(), 1u);
  EXPECT_EQ(call.result.headers[0].value(), "good");
  const proto::RunEnded& ended = Ended(call);
  EXPECT_EQ(ended.verdict(), proto::VERDICT_FINISHED);
  EXPECT_EQ(ended.http_status(), 201u);
  EXPECT_FALSE(ended.has_incident());
  EXPECT_EQ(ended.usage().cpu_us(), 700u);
  EXPECT_EQ(ended.usage().output_bytes(), 5u);
  EXPECT_EQ(ended.usage().trace_bytes(), 40u);
  EXPECT_EQ(ended.usage().trace_events(), 4u);
  EXPECT_EQ(ended.usage().trace_dropped(), 1u);
  EXPECT_GT(ended.usage().wall_us() + ended.usage().queue_us(), 0u);
  EXPECT_EQ(runs_.live(), 0u);
  ASSERT_TRUE(UntilLive(0));
}

// The writer tells runs apart by what it was told: the ring, then that a run begins on it, before
// the worker can write of it; and the ring goes last.
TEST_F(AnswerTest, TheJournalHearsOfEachStepInItsOrder) {
  Call& call = Start();
  FakeWorker& worker = Running(call);
  worker.Say(Finished(call));
  ASSERT_TRUE(UntilAnswered(call));
  EXPECT_EQ(answered_with_, 1u);  // no answer is without its record
  ASSERT_TRUE(UntilLive(0));
  EXPECT_EQ(journal_.order,
            (std::vector<std::string>{"attach 1", "began 1", "ended 1", "detach 1"}));
  const proto::RunBegan& began = journal_.began[0];
  EXPECT_EQ(began.run_id(), call.id.bytes());
  EXPECT_EQ(began.canvas(), "demo");
  EXPECT_EQ(began.tlid(), kHelloTlid);
  EXPECT_EQ(began.handler(), "GET /hello/:name");
  EXPECT_EQ(began.revision(), 1u);
  EXPECT_EQ(began.caller(), "127.0.0.1:9");
  EXPECT_EQ(began.request_line(), "GET /hello/you");
  EXPECT_EQ(began.trace_bytes_max(), limits_.trace_bytes.value);
}

TEST_F(AnswerTest, TheWorkerIsToldTheRequestAndItsLimits) {
  limits_.depth.value = 77;
  limits_.output_bytes.value = 1234;
  limits_.trace_overflow_kills.value = true;
  RunOrder order = Order();
  order.body = "the body";
  Call& call = Start(std::move(order));
  Running(call);
  EXPECT_EQ(heard_.tlid(), kHelloTlid);
  EXPECT_EQ(heard_.http().path(), "/hello/you");
  EXPECT_EQ(heard_.http().body(), "the body");
  EXPECT_EQ(heard_.limits().call_depth_max(), 77u);
  EXPECT_EQ(heard_.limits().output_bytes_max(), 1234u);
  EXPECT_EQ(heard_.limits().trace_bytes_max(), limits_.trace_bytes.value);
  EXPECT_TRUE(heard_.limits().trace_overflow_kills());
  // The worker's own last resort is well behind the deadline.
  EXPECT_GT(Nanos(heard_.limits().wall_ns_max()), Nanos(limits_.wall.value) * 2);
}

TEST_F(AnswerTest, ALargeBodyTravelsAsAMemfd) {
  RunOrder order = Order();
  order.body = std::string(bounds::kInlineBodyBytes + 1, 'b');
  Call& call = Start(std::move(order));
  FakeWorker& worker = Running(call);
  EXPECT_EQ(heard_.http().body(), "");
  EXPECT_EQ(heard_.http().body_memfd_bytes(), bounds::kInlineBodyBytes + 1);
  ASSERT_EQ(worker.heard_fds.size(), 1u);
  auto body = ReadForeignMemfd(worker.heard_fds[0], bounds::kHttpBodyBytes);
  ASSERT_TRUE(body);
  EXPECT_EQ(body->size(), bounds::kInlineBodyBytes + 1);
}

// Whatever the front door lets in must reach the worker: the largest header beside the largest body
// that would still be sent inline.
TEST_F(AnswerTest, TheLargestRequestThatHttpTakesReachesTheWorker) {
  RunOrder order = Order();
  proto::HttpRequest& http = *order.message.mutable_http();
  std::string target(bounds::kHttpTargetBytes - 2, 't');
  http.set_url("http://demo.localhost/" + target);
  http.set_path("/" + target);
  for (size_t i = 0; i < bounds::kHttpHeaderCount; ++i) {
    http.add_headers()->set_name("X-" + std::to_string(i));
    std::string value(bounds::kHttpHeaderBytes / bounds::kHttpHeaderCount - 10, 'v');
    http.mutable_headers(static_cast<int>(i))->set_value(value);
  }
  http.add_route_vars()->set_name("name");
  http.mutable_route_vars(0)->set_value(target);
  order.body = std::string(bounds::kInlineBodyBytes, 'b');
  Call& call = Start(std::move(order));
  FakeWorker& worker = Running(call);
  EXPECT_EQ(heard_.http().headers_size(), static_cast<int>(bounds::kHttpHeaderCount));
  uint64_t body = heard_.http().body().size() + heard_.http().body_memfd_bytes();
  EXPECT_EQ(body, bounds::kInlineBodyBytes);
  worker.Say(Finished(call));
  ASSERT_TRUE(UntilAnswered(call));
  EXPECT_EQ(call.result.verdict, proto::VERDICT_FINISHED) << call.result.detail;
}

TEST_F(AnswerTest, AnEventOfAWorkerHandlerIsJson) {
  RunOrder order = Order();
  order.handler = revision_->manifest.handlers(1);
  order.message.clear_http();
  order.message.set_json("{\"a\":1}");
  Call& call = Start(std::move(order));
  Running(call);
  EXPECT_EQ(heard_.tlid(), kJobTlid);
  EXPECT_EQ(heard_.json(), "{\"a\":1}");
}

TEST_F(AnswerTest, ALargeAnswerComesAsAMemfd) {
  Call& call = Start();
  FakeWorker& worker = Running(call);
  std::string body(200'000, 'x');
  auto memfd = CreateImmutableMemfd("test-body", body);
  ASSERT_TRUE(memfd);
  proto::FromWorker answer = Finished(call, "");
  answer.mutable_finished()->set_body_memfd_bytes(body.size());
  worker.Say(answer, {memfd->get()});
  ASSERT_TRUE(UntilOver(call));
  EXPECT_EQ(call.result.verdict, proto::VERDICT_FINISHED);
  EXPECT_EQ(call.result.body, body);
  EXPECT_EQ(call.result.usage.output_bytes(), body.size());
}

TEST_F(AnswerTest, AProgramsErrorIsItsAuthorsMatterAndNoIncident) {
  Call& call = Start();
  FakeWorker& worker = Running(call);
  proto::FromWorker answer = Finished(call, "Application error");
  answer.mutable_finished()->set_status(500);
  answer.mutable_finished()->set_program_error(true);
  answer.mutable_finished()->set_error("there is no such user");
  worker.Say(answer);
  ASSERT_TRUE(UntilOver(call));
  EXPECT_EQ(call.result.verdict, proto::VERDICT_PROGRAM_ERROR);
  EXPECT_EQ(call.result.detail, "there is no such user");
  EXPECT_EQ(call.result.status, 500u);
  EXPECT_EQ(call.result.body, "Application error");
  EXPECT_FALSE(Ended(call).has_incident());
}

// Any status that a client can be sent is an answer.
TEST_F(AnswerTest, EveryFinalStatusIsAnAnswer) {
  for (uint32_t status : {200u, 204u, 302u, 404u, 599u, 600u, 999u}) {
    Call& call = Start();
    FakeWorker& worker = Running(call);
    proto::FromWorker answer = Finished(call);
    answer.mutable_finished()->set_status(status);
    worker.Say(answer);
    ASSERT_TRUE(UntilOver(call));
    EXPECT_EQ(call.result.verdict, proto::VERDICT_FINISHED) << status << call.result.detail;
    EXPECT_EQ(call.result.status, status);
  }
}

// The journal's message with all that a run's end says must fit a frame, or its trace is lost.
TEST_F(AnswerTest, AVeryLongErrorIsCutAtACharacter) {
  Call& call = Start();
  FakeWorker& worker = Running(call);
  proto::FromWorker answer = Finished(call, "");
  std::string error = "x";
  while (error.size() < 80'000) error += "\xc3\xa9";  // two bytes each, from an odd place
  answer.mutable_finished()->set_program_error(true);
  answer.mutable_finished()->set_error(error);
  worker.Say(answer);
  ASSERT_TRUE(UntilOver(call));
  EXPECT_EQ(call.result.verdict, proto::VERDICT_PROGRAM_ERROR);
  EXPECT_LE(call.result.detail.size(), bounds::kVerdictDetailBytes);
  EXPECT_GE(call.result.detail.size(), bounds::kVerdictDetailBytes - 1);
  EXPECT_EQ(call.result.detail.compare(0, std::string::npos, error, 0, call.result.detail.size()),
            0);
  EXPECT_EQ(call.result.detail.size() % 2, 1u);  // no half of a character
  EXPECT_LT(Ended(call).ByteSizeLong(), bounds::kFrameBytes / 4);
}

TEST_F(AnswerTest, AReusedWorkersEarlierRunsAreNotCountedAgain) {
  limits_.reuse.value = 5;
  Call& one = Start();
  FakeWorker& worker = Running(one);
  worker.cell->usage.cpu_us = 900;
  worker.Say(Finished(one));
  ASSERT_TRUE(UntilOver(one));
  Call& two = Start();
  ASSERT_EQ(&Running(two), &worker);
  worker.cell->usage.cpu_us = 1000;
  worker.Say(Finished(two));
  ASSERT_TRUE(UntilOver(two));
  EXPECT_EQ(one.result.usage.cpu_us(), 900u);
  EXPECT_EQ(two.result.usage.cpu_us(), 100u);
}

TEST_F(AnswerTest, NobodyListensToTheAnswerAnyMore) {
  RunOrder order = Order();
  RunId id = order.id;
  order.done = [](RunResult) {};  // a responder whose connection is gone drops what it is given
  runs_.Start(std::move(order));
  Call gone;
  gone.id = id;
  Running(gone).Say(Finished(gone));
  ASSERT_TRUE(Until([&] { return runs_.live() == 0; }));
  EXPECT_EQ(Ended(gone).verdict(), proto::VERDICT_FINISHED);
}

TEST_F(AnswerTest, RunsAreSeenWhileTheyLive) {
  Call& one = Start();
  FakeWorker& worker = Running(one);
  zygote_.manner = FakeZygote::Manner::kHolds;
  Call& two = Start();
  ASSERT_EQ(runs_.live(), 2u);
  const auto live = runs_.Live();
  EXPECT_EQ(live[0]->order().id, one.id);
  EXPECT_EQ(live[0]->state(), Run::State::kRunning);
  EXPECT_EQ(live[0]->pid(), worker.process.pid());
  EXPECT_EQ(live[1]->order().id, two.id);
  EXPECT_EQ(live[1]->state(), Run::State::kQueued);
  EXPECT_EQ(live[1]->pid(), 0);
  worker.cell->usage.cpu_us = 55;
  EXPECT_EQ(live[0]->CurrentUsage().cpu_us(), 55u);
  EXPECT_EQ(runs_.CountsOf("demo").running, 1u);
  EXPECT_EQ(runs_.CountsOf("demo").queued, 1u);
  EXPECT_EQ(runs_.CountsOf("other").running, 0u);
  worker.Say(Finished(one));
  ASSERT_TRUE(UntilOver(one));
  EXPECT_EQ(metrics_.Of("demo").requests, 1u);
  EXPECT_EQ(metrics_.Of("demo").killed, 0u);
}

}  // namespace
}  // namespace nightjar::testing
