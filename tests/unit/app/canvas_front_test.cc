// The canvases' front door over real sockets, with workers that a test plays behind it.

#include "supervisor/app/canvas_front.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "ipc/core/bounds.h"
#include "supervisor/controls/controlled_policy.h"
#include "tests/support/one_policy.h"
#include "tests/support/raw_client.h"
#include "tests/support/workers_rig.h"

namespace nightjar::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class CanvasFrontTest : public WorkersRig<SystemClock> {
 protected:
  CanvasFrontTest() {
    limits_.armed.value = 0;
    limits_.wall.value = std::chrono::seconds(60);
    limits_.cpu.value = std::chrono::seconds(60);
    CHECK(book_.Publish(SomeRevision("demo", 1)).has_value());
    auto listener = http::ListenTcp("127.0.0.1:0");
    CHECK(listener.has_value());
    address_ = *http::BoundAddress(*listener);
    auto server = http::Server::Create(rig_.loop(), clock_, std::move(*listener), {},
                                       [this](http::Request request, http::Responder responder) {
                                         front_.Handle(std::move(request), std::move(responder));
                                       });
    CHECK(server.has_value());
    server_ = std::move(*server);
  }

  std::unique_ptr<RawClient> Send(const std::string& request) {
    auto client = std::make_unique<RawClient>(rig_.loop(), address_);
    client->Send(request);
    return client;
  }
  std::unique_ptr<RawClient> Get(const std::string& host, const std::string& target) {
    return Send("GET " + target + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n");
  }
  // All that came back, once the server has closed.
  std::string Wait(RawClient& client) {
    EXPECT_TRUE(Until([&] { return client.ended(); }));
    return client.received();
  }
  // The worker that has been told a run which is not `not_this`.
  FakeWorker& Running(const std::string& not_this = "") {
    EXPECT_TRUE(Until([&] {
      if (zygote_.workers.empty()) return false;
      const std::string& id = zygote_.last().HearRun().run_id();
      return !id.empty() && id != not_this;
    }));
    return zygote_.last();
  }
  static void Finish(FakeWorker& worker, uint32_t status, const std::string& body) {
    proto::FromWorker message;
    message.mutable_finished()->set_run_id(worker.HearRun().run_id());
    message.mutable_finished()->set_status(status);
    message.mutable_finished()->set_body(body);
    message.mutable_finished()->add_headers()->set_name("X-Mood");
    message.mutable_finished()->mutable_headers(0)->set_value("good");
    // A program that would speak for the supervisor.
    for (const char* name : {"X-Nightjar-Verdict", "x-nightjar-trace"}) {
      proto::Header& header = *message.mutable_finished()->add_headers();
      header.set_name(name);
      header.set_value("forged");
    }
    worker.Say(message);
  }

  static proto::Control SomeControl(uint64_t id, proto::ControlKind kind) {
    proto::Control control;
    control.set_id(id);
    control.set_kind(kind);
    control.set_canvas("demo");
    control.set_by("root");
    control.set_reason("it mines coins");
    return control;
  }

  Metrics metrics_;
  CanvasBook book_;
  Gate gate_{clock_};
  RunService runs_{rig_.loop(), clock_, pool_, journal_, metrics_, nullptr};
  MissedRoutes missed_{journal_};
  EventFeed feed_{clock_};
  ControlBook controls_;
  CanvasSeries series_;
  UsageTally usage_{clock_, journal_, series_, UsageTally::Cpu::kOfRuns};
  Activity activity_{true};
  CanvasFront front_{{rig_.loop(), clock_, book_, gate_, controls_, runs_, metrics_, journal_,
                      missed_, feed_, usage_, activity_, [this] {
                        return std::make_shared<const ControlledPolicy>(
                            std::make_shared<const OnePolicy>(limits_), controls_);
                      }}};
  std::string address_;
  std::unique_ptr<http::Server> server_;
};

TEST_F(CanvasFrontTest, WhatComesIsCountedForRules) {
  auto client = Get("demo.example.com:80", "/hello/you");
  Finish(Running(), 200, "hello");
  Wait(*client);
  Wait(*Get("demo.example.com:80", "/wp-admin"));
  Wait(*Get("nobody.example.com:80", "/hello/you"));
  limits_.suspended.value = true;
  Wait(*Get("demo.example.com:80", "/hello/you"));
  Activity::Taken taken = activity_.Take();
  ASSERT_EQ(taken.size(), 1u) << "strangers' names take no memory";
  rules::Counts counts = taken.at("demo");
  EXPECT_EQ(counts[rules::Counter::kRequests], 3u);
  EXPECT_EQ(counts[rules::Counter::kNotFound], 1u);
  EXPECT_EQ(counts[rules::Counter::kMissedPaths], 1u);
  EXPECT_EQ(counts[rules::Counter::kRefusedControl], 1u);
}

TEST_F(CanvasFrontTest, TheCanvasIsTheFirstLabelOfTheHost) {
  auto client = Get("demo.example.com:80", "/hello/you");
  Finish(Running(), 200, "hello");
  EXPECT_THAT(Wait(*client), StartsWith("HTTP/1.1 200 "));
}

TEST_F(CanvasFrontTest, WhatIsNoCanvasIsSaidSoAndStartsNothing) {
  for (const char* host : {"nobody.localhost", "localhost", "127.0.0.1", "-demo", "de%6do"})
    EXPECT_THAT(Wait(*Get(host, "/hello/you")),
                AllOf(StartsWith("HTTP/1.1 404 "), HasSubstr("canvas not found")))
        << host;
  EXPECT_THAT(Wait(*Get("demo", "/other")),
              AllOf(StartsWith("HTTP/1.1 404 "), HasSubstr("No route matches")));
  EXPECT_TRUE(zygote_.workers.empty());
  EXPECT_TRUE(journal_.order.empty());
}

TEST_F(CanvasFrontTest, AFloodOfRefusalsIsPaced) {
  limits_.suspended.value = true;
  const size_t kFlood = 2 * bounds::kRefusalsAtOnce;
  const MonoTime started = clock_.Mono();
  std::string flood;
  for (size_t i = 0; i < kFlood; ++i) flood += "GET /hello/you HTTP/1.1\r\nHost: demo\r\n\r\n";
  auto client = Send(flood);
  EXPECT_TRUE(Until([&] { return client->Count("HTTP/1.1 503 ") == kFlood; }));
  EXPECT_GE(clock_.Mono() - started,
            Nanos(std::chrono::seconds(1)) * bounds::kRefusalsAtOnce / bounds::kRefusalsPerSecond);
}

TEST_F(CanvasFrontTest, TheWorkerGetsTheRequestAsItCame) {
  auto client = Send(
      "GET /hello/J%C3%BCrgen%2F?a=1&b HTTP/1.1\r\nHost: demo.localhost\r\nX-A: 1\r\nX-A: "
      "\xff\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody");
  FakeWorker& worker = Running();
  const proto::HttpRequest http = worker.HearRun().http();
  EXPECT_EQ(http.method(), "GET");
  EXPECT_EQ(http.url(), "http://demo.localhost/hello/J%C3%BCrgen%2F?a=1&b");
  EXPECT_EQ(http.path(), "/hello/J%C3%BCrgen%2F");
  EXPECT_EQ(http.query(), "a=1&b");
  EXPECT_EQ(http.body(), "");  // as in classic Dark, a GET's is not read
  ASSERT_EQ(http.route_vars_size(), 1);
  EXPECT_EQ(http.route_vars(0).name(), "name");
  EXPECT_EQ(http.route_vars(0).value(), "J\xc3\xbcrgen/");
  std::vector<std::string> values;
  for (const proto::RawHeader& header : http.headers())
    if (header.name() == "X-A") values.push_back(header.value());
  EXPECT_EQ(values, (std::vector<std::string>{"1", "\xff"}));
  EXPECT_THAT(journal_.began[0].caller(), StartsWith("127.0.0.1:"));
  EXPECT_EQ(journal_.began[0].request_line(), "GET /hello/J%C3%BCrgen%2F?a=1&b");
  Finish(worker, 200, "");
  Wait(*client);
}

TEST_F(CanvasFrontTest, TheRequestLineShowsNothingThatPolicyLeavesOut) {
  limits_.trace_drop.value = {"token", "name"};
  auto client = Get("demo", "/hello/swordfish?token=trumpet&a=1&long=" + std::string(300, 'x'));
  FakeWorker& worker = Running();
  EXPECT_THAT(journal_.began[0].request_line(),
              StartsWith("GET /hello/<redacted>?token=<redacted>&a=1&long=x"));
  EXPECT_EQ(journal_.began[0].request_line().size(), 204u);
  const proto::Run run = worker.HearRun();
  EXPECT_EQ(run.http().query().substr(0, 13), "token=trumpet");
  EXPECT_EQ(run.limits().redaction().drop_size(), 2);
  EXPECT_EQ(run.limits().redaction().key(), "");
  Finish(worker, 200, "");
  Wait(*client);
}

TEST_F(CanvasFrontTest, TheEventOfAMissingRouteShowsNothingThatPolicyLeavesOut) {
  auto reader = feed_.Read([] {});
  limits_.trace_drop.value = {"token"};
  EXPECT_THAT(Wait(*Get("demo", "/nowhere?token=trumpet&a=1")), StartsWith("HTTP/1.1 404 "));
  ASSERT_EQ(feed_.next(), 2u);
  EXPECT_EQ(feed_.At(1).request_line(), "GET /nowhere?token=<redacted>&a=1");
}

TEST_F(CanvasFrontTest, ARequestWithoutARouteIsNotedForTheWriter) {
  limits_.trace_drop.value = {"token"};
  Wait(*Get("demo", "/nowhere?token=trumpet"));
  Wait(*Get("demo", "/nowhere?token=oboe"));
  Wait(*Get("nobody", "/nowhere"));  // no canvas, so nobody's
  EXPECT_TRUE(journal_.questions.empty());
  missed_.Tell();
  ASSERT_EQ(journal_.questions.size(), 1u);
  const proto::RoutesMissed& told = journal_.questions[0].question.routes_missed();
  ASSERT_EQ(told.routes_size(), 1);
  const proto::MissedRoute& route = told.routes(0);
  EXPECT_EQ(route.canvas() + " " + route.method() + " " + route.path(), "demo GET /nowhere");
  EXPECT_EQ(route.count(), 2u);
  EXPECT_EQ(route.request_line(), "GET /nowhere?token=<redacted>");
  EXPECT_THAT(route.caller(), StartsWith("127.0.0.1:"));
  EXPECT_GT(route.first_unix_us(), 0);
  EXPECT_GE(route.last_unix_us(), route.first_unix_us());
}

TEST_F(CanvasFrontTest, AnAnswerCarriesTheIdOfItsTrace) {
  auto client = Get("demo", "/hello/you");
  FakeWorker& worker = Running();
  std::string id = RunId::FromBytes(worker.HearRun().run_id())->ToString();
  Finish(worker, 201, "made");
  std::string text = Wait(*client);
  EXPECT_THAT(text, StartsWith("HTTP/1.1 201 "));
  EXPECT_THAT(text, HasSubstr("X-Mood: good\r\n"));
  EXPECT_THAT(text, HasSubstr("x-nightjar-trace: " + id + "\r\n"));
  EXPECT_THAT(text, AllOf(Not(HasSubstr("-verdict")), Not(HasSubstr("-Verdict")),
                          Not(HasSubstr("forged"))));
  EXPECT_THAT(text, ::testing::EndsWith("\r\n\r\nmade"));
}

TEST_F(CanvasFrontTest, AKilledRunTellsItsVerdictAndNothingOfTheProgram) {
  limits_.memory_bytes.origin.source = "secret-policy.toml:1";
  auto client = Get("demo", "/hello/you");
  FakeWorker& worker = Running();
  std::string id = RunId::FromBytes(worker.HearRun().run_id())->ToString();
  worker.cell->usage.oom_kills = 1;
  worker.Die(SIGKILL);
  std::string text = Wait(*client);
  EXPECT_THAT(text, StartsWith("HTTP/1.1 500 "));
  EXPECT_THAT(text, HasSubstr("x-nightjar-verdict: memory\r\n"));
  EXPECT_THAT(text, HasSubstr("x-nightjar-trace: " + id + "\r\n"));
  EXPECT_THAT(text, Not(HasSubstr("secret-policy")));
  auto body = nlohmann::json::parse(text.substr(text.find("\r\n\r\n") + 4));
  EXPECT_EQ(body["verdict"], "memory");
  EXPECT_EQ(body["trace"], id);
  EXPECT_THAT(journal_.ended.at(0).detail(), HasSubstr("secret-policy"));  // the operator's
}

TEST_F(CanvasFrontTest, ARefusalForTheRateSaysWhenToComeBackAndLeavesOneIncident) {
  limits_.rate_per_s.value = 1;
  auto first = Get("demo", "/hello/you");
  Running();
  std::vector<std::string> ids;
  for (int i = 0; i < 3; ++i) {
    std::string text = Wait(*Get("demo", "/hello/you"));
    EXPECT_THAT(text, StartsWith("HTTP/1.1 429 "));
    EXPECT_THAT(text, HasSubstr("x-nightjar-verdict: refused\r\n"));
    EXPECT_THAT(text, HasSubstr("Retry-After: 1\r\n"));
    size_t at = text.find("x-nightjar-trace: ") + 18;
    ids.push_back(text.substr(at, 36));
  }
  ASSERT_EQ(journal_.ended.size(), 1u);
  const proto::RunEnded& ended = journal_.ended[0];
  EXPECT_EQ(ended.verdict(), proto::VERDICT_REFUSED);
  EXPECT_EQ(ended.http_status(), 429u);
  EXPECT_EQ(ended.incident().refusal().kind(), proto::REFUSAL_RATE);
  EXPECT_EQ(ended.incident().broken().name(), "rate");
  for (const std::string& id : ids) EXPECT_EQ(id, ended.incident().run_id());
  EXPECT_EQ(metrics_.Of("demo").refused, 3u);
  EXPECT_EQ(runs_.live(), 1u);
}

TEST_F(CanvasFrontTest, WhereNoRoomIsLeftTheAnswerIs503) {
  limits_.concurrency.value = 1;
  limits_.queue.value = 1;
  auto running = Get("demo", "/hello/you");
  Running();
  auto queued = Get("demo", "/hello/you");
  ASSERT_TRUE(Until([&] { return runs_.live() == 2; }));
  std::string text = Wait(*Get("demo", "/hello/you"));
  EXPECT_THAT(text, AllOf(StartsWith("HTTP/1.1 503 "), HasSubstr("Retry-After: ")));
  EXPECT_EQ(journal_.ended.at(0).incident().refusal().kind(), proto::REFUSAL_CONCURRENCY);
}

// Refused after it was let in: the same promise holds.
TEST_F(CanvasFrontTest, WhoWaitedTooLongIsToldToComeBack) {
  limits_.queue_time.value = std::chrono::milliseconds(5);
  zygote_.manner = FakeZygote::Manner::kHolds;
  std::string text = Wait(*Get("demo", "/hello/you"));
  EXPECT_THAT(text, AllOf(StartsWith("HTTP/1.1 503 "), HasSubstr("Retry-After: 1\r\n"),
                          HasSubstr("x-nightjar-verdict: refused\r\n"),
                          HasSubstr("\"reason\":\"no worker was free in time\"")));
}

TEST_F(CanvasFrontTest, ASuspendedCanvasRefusesWithoutItsReasonUnlessPolicyShowsIt) {
  proto::Control control = SomeControl(7, proto::CONTROL_SUSPEND);
  control.set_expires_unix_us(UnixMicros(clock_.Wall()) + 90'000'000);
  controls_.Add(control);
  std::string text = Wait(*Get("demo", "/hello/you"));
  EXPECT_THAT(text, AllOf(StartsWith("HTTP/1.1 503 "), HasSubstr("suspended by its operator"),
                          HasSubstr("Retry-After: 90\r\n"), Not(HasSubstr("mines"))));
  const proto::Incident& incident = journal_.ended.at(0).incident();
  EXPECT_EQ(incident.refusal().kind(), proto::REFUSAL_SUSPENDED);
  EXPECT_THAT(incident.detail(), HasSubstr("control 7 by root: it mines coins"));
  limits_.show_controls.value = true;
  EXPECT_THAT(Wait(*Get("demo", "/hello/you")), HasSubstr("control 7 by root: it mines coins"));
  EXPECT_TRUE(zygote_.workers.empty());
}

TEST_F(CanvasFrontTest, ABlockedHandlerIsForbiddenAndOthersAreNot) {
  proto::Control control = SomeControl(7, proto::CONTROL_BLOCK);
  control.set_handler("POST /other");
  controls_.Add(control);
  auto client = Get("demo", "/hello/you");
  Finish(Running(), 200, "hello");
  EXPECT_THAT(Wait(*client), StartsWith("HTTP/1.1 200 "));
  control.set_id(8);
  control.clear_handler();
  control.set_handler_kind("http");
  controls_.Add(control);
  std::string text = Wait(*Get("demo", "/hello/you"));
  EXPECT_THAT(text, AllOf(StartsWith("HTTP/1.1 403 "), HasSubstr("blocked by its operator"),
                          Not(HasSubstr("Retry-After")), Not(HasSubstr("mines"))));
  EXPECT_EQ(journal_.ended.back().incident().refusal().kind(), proto::REFUSAL_BLOCKED);
  EXPECT_THAT(journal_.ended.back().detail(), HasSubstr("blocked by control 8"));
  EXPECT_EQ(metrics_.Of("demo").refused, 1u);
}

TEST_F(CanvasFrontTest, APausedRequestWaitsAndGoesOnWhenThePauseIsOver) {
  controls_.Add(SomeControl(7, proto::CONTROL_PAUSE));
  auto client = Get("demo", "/hello/you");
  ASSERT_TRUE(Until([&] { return runs_.CountsOf("demo").queued == 1; }));
  Settle();
  EXPECT_TRUE(zygote_.workers.empty());
  runs_.Resume([](const nightjar::Run&) { return true; });
  Finish(Running(), 200, "hello");
  EXPECT_THAT(Wait(*client), StartsWith("HTTP/1.1 200 "));
}

TEST_F(CanvasFrontTest, APausedRequestWaitsNoLongerThanAnyOther) {
  controls_.Add(SomeControl(7, proto::CONTROL_PAUSE));
  limits_.queue_time.value = std::chrono::milliseconds(5);
  std::string text = Wait(*Get("demo", "/hello/you"));
  EXPECT_THAT(text, AllOf(StartsWith("HTTP/1.1 503 "), HasSubstr("paused by its operator"),
                          HasSubstr("Retry-After: 1\r\n"), Not(HasSubstr("mines"))));
  EXPECT_EQ(journal_.ended.at(0).incident().refusal().kind(), proto::REFUSAL_PAUSED);
  EXPECT_THAT(journal_.ended.at(0).detail(), HasSubstr("paused by control 7"));
  limits_.queue.value = 0;
  text = Wait(*Get("demo", "/hello/you"));
  EXPECT_THAT(text, AllOf(StartsWith("HTTP/1.1 503 "), HasSubstr("Retry-After: 60\r\n")));
  EXPECT_TRUE(zygote_.workers.empty());
}

// The run goes on: it may have changed the world by now, and its trace says how it ended.
TEST_F(CanvasFrontTest, ACallerWhoLeavesDoesNotTakeTheRunAlong) {
  auto client = Get("demo", "/hello/you");
  FakeWorker& worker = Running();
  client->Reset();
  ASSERT_TRUE(Until([&] { return server_->connections() == 0; }));
  EXPECT_EQ(runs_.live(), 1u);
  Finish(worker, 200, "to nobody");
  ASSERT_TRUE(Until([&] { return runs_.live() == 0; }));
  EXPECT_EQ(journal_.ended.at(0).verdict(), proto::VERDICT_FINISHED);
  auto next = Get("demo", "/hello/you");
  Finish(Running(worker.HearRun().run_id()), 200, "to somebody");
  EXPECT_THAT(Wait(*next), HasSubstr("to somebody"));
}

TEST_F(CanvasFrontTest, ACallerWhoLeavesTheQueueLeavesItInOrder) {
  zygote_.manner = FakeZygote::Manner::kHolds;
  auto client = Get("demo", "/hello/you");
  ASSERT_TRUE(Until([&] { return zygote_.workers.size() == 1; }));
  client->Reset();
  ASSERT_TRUE(Until([&] { return server_->connections() == 0; }));
  zygote_.Answer(1, FakeZygote::Manner::kArms);
  Finish(Running(), 200, "to nobody");
  ASSERT_TRUE(Until([&] { return runs_.live() == 0; }));
  EXPECT_EQ(journal_.ended.size(), 1u);
}

TEST_F(CanvasFrontTest, TheServerMayGoWhileRunsAreUnderWay) {
  auto client = Get("demo", "/hello/you");
  FakeWorker& worker = Running();
  server_.reset();
  Finish(worker, 200, "to nobody");
  ASSERT_TRUE(Until([&] { return runs_.live() == 0; }));
  EXPECT_EQ(journal_.ended.at(0).verdict(), proto::VERDICT_FINISHED);
}

TEST_F(CanvasFrontTest, TwoHandlersForOneRouteAreTheAuthorsMistake) {
  Revision twice;
  twice.canvas = "twice";
  twice.number = 1;
  for (Tlid tlid : {1, 2}) {
    proto::HandlerEntry& handler = *twice.manifest.add_handlers();
    handler.set_tlid(tlid);
    handler.set_kind(proto::HANDLER_KIND_HTTP);
    handler.set_method("GET");
    handler.set_route("/a");
    handler.set_name("GET /a");
  }
  twice.router = *Router::Create(twice.manifest);
  ASSERT_TRUE(book_.Publish(std::make_shared<const Revision>(std::move(twice))));
  EXPECT_THAT(Wait(*Get("twice", "/a")),
              AllOf(StartsWith("HTTP/1.1 500 "), HasSubstr("More than one handler")));
}

}  // namespace
}  // namespace nightjar::testing
