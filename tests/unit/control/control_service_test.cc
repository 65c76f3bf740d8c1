// The control plane over its own Unix socket: what each path answers, and every way to say no.

#include "supervisor/control/control_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "ipc/core/bounds.h"
#include "rules/rule_file.h"
#include "supervisor/controls/controlled_policy.h"
#include "supervisor/feed/events.h"
#include "tests/support/one_policy.h"
#include "tests/support/raw_client.h"
#include "tests/support/workers_rig.h"

namespace nightjar::testing {
namespace {

using nlohmann::json;
using ::testing::EndsWith;
using ::testing::HasSubstr;

struct Reply {
  int status = 0;
  json body;
};

// Takes every entry and every control at once, or none.
class AuditJournal final : public FakeJournal {
 public:
  void Ask(proto::ToWriter question,
           std::function<void(Result<proto::FromWriter>)> answered) override {
    if (question.has_append_audit()) entries.push_back(question.append_audit().entry());
    if (question.has_control_work()) work.push_back(question.control_work());
    if (away) return answered(Fail(ErrorCode::kUnavailable, "the storage writer is away"));
    answered(proto::FromWriter());
  }
  std::vector<proto::AuditEntry> entries;
  std::vector<proto::ControlWork> work;
};

class ControlServiceTest : public WorkersRig<SystemClock> {
 protected:
  ControlServiceTest() {
    limits_.armed.value = 0;
    limits_.wall.value = std::chrono::seconds(60);
    limits_.cpu.value = std::chrono::seconds(60);
    char path[] = "/tmp/nightjar-control-XXXXXX";
    CHECK(mkdtemp(path) != nullptr);
    folder_ = path;
    auto listener = http::ListenUnix(folder_ + "/control.sock");
    CHECK(listener.has_value());
    http::Options options;
    options.body_bytes_max = bounds::kControlBodyBytes;
    auto server = http::Server::Create(rig_.loop(), clock_, std::move(*listener), options,
                                       [this](http::Request request, http::Responder responder) {
                                         if (as_uid_) request.peer_uid = *as_uid_;
                                         control_->Handle(std::move(request), std::move(responder));
                                       });
    CHECK(server.has_value());
    server_ = std::move(*server);
    proto::DoctorAnswer doctor;
    doctor.set_can_serve(true);
    control_.emplace(ControlService::Needs{
        rig_.loop(),
        clock_,
        book_,
        cells_,
        deployer_,
        journal_,
        missed_,
        metrics_,
        runs_,
        rerunner_,
        missed_handler_,
        importer_,
        pool_,
        feed_,
        audit_,
        keeper_,
        rules_,
        [this] {
          return std::make_shared<const ControlledPolicy>(
              std::make_shared<const OnePolicy>(limits_), controls_);
        },
        [](const proto::StoreFigures* store) {
          return "nightjar_canvases 1\n" +
                 (store ? "spooled " + std::to_string(store->spooled_bytes()) + "\n" : "");
        },
        doctor});
  }
  ~ControlServiceTest() override {
    server_.reset();
    std::filesystem::remove_all(folder_);
  }

  static std::string Encoded(const std::string& name) {
    std::string encoded;
    for (char c : name) encoded += c == ' ' ? "%20" : std::string(1, c);
    return encoded;
  }
  void Publish() { ASSERT_TRUE(book_.Publish(SomeRevision("demo", 1))); }

  // A request that is on its way.
  std::unique_ptr<RawClient> Send(const std::string& line, const std::string& body = "") {
    auto client = std::make_unique<RawClient>(rig_.loop(), folder_ + "/control.sock");
    std::string bytes = line +
                        " HTTP/1.1\r\nHost: nightjar\r\nConnection: close\r\nContent-Length: " +
                        std::to_string(body.size()) + "\r\n\r\n" + body;
    EXPECT_TRUE(Until([&] {
      bytes.erase(0, client->Send(bytes));
      return bytes.empty();
    }));
    return client;
  }
  Reply Wait(RawClient& client) {
    EXPECT_TRUE(Until([&] { return client.ended(); }));
    const std::string& text = client.received();
    Reply reply;
    size_t end = text.find("\r\n\r\n");
    EXPECT_NE(end, std::string::npos) << text;
    if (end == std::string::npos) return reply;
    reply.status = std::stoi(text.substr(9, 3));
    EXPECT_THAT(text.substr(0, end), HasSubstr("Content-Type: application/json"));
    reply.body = json::parse(text.substr(end + 4), nullptr, /*allow_exceptions=*/false);
    EXPECT_FALSE(reply.body.is_discarded()) << text;
    return reply;
  }
  Reply Ask(const std::string& line, const std::string& body = "") {
    return Wait(*Send(line, body));
  }
  // A no: its status, and one sentence for a person that holds `words`.
  void ExpectNo(const Reply& reply, int status, const std::string& words) {
    EXPECT_EQ(reply.status, status) << reply.body;
    ASSERT_TRUE(reply.body.contains("error")) << reply.body;
    EXPECT_THAT(reply.body["error"].get<std::string>(), HasSubstr(words));
  }
  // The storage writer's answer to the question that waits.
  void Answer(Result<proto::FromWriter> answer) {
    ASSERT_TRUE(Until([&] { return !journal_.questions.empty(); }));
    auto answered = std::move(journal_.questions.back().answered);
    journal_.questions.pop_back();
    answered(std::move(answer));
  }

  Metrics metrics_;
  CanvasBook book_;
  RunService runs_{rig_.loop(), clock_, pool_, journal_, metrics_, nullptr};
  Deployer deployer_{{rig_.loop(), clock_, factory_, pool_, journal_, book_, nullptr,
                      [this] { return std::make_shared<const OnePolicy>(limits_); }}};
  Rerunner rerunner_{{clock_, book_, journal_, runs_,
                      [this] { return std::make_shared<const OnePolicy>(limits_); }, ""}};
  MissedRoutes missed_{journal_};
  MissedHandler missed_handler_{{clock_, book_, journal_, deployer_, runs_,
                                 [this] { return std::make_shared<const OnePolicy>(limits_); },
                                 ""}};
  Importer importer_{{rig_.loop(), clock_, book_, factory_, journal_, nullptr,
                      [this] { return std::make_shared<const OnePolicy>(limits_); }, ""}};
  EventFeed feed_{clock_};
  ControlBook controls_;
  // Its entries go their own way, so that a test of anything else sees what it asked for alone.
  AuditJournal audited_;
  AuditTrail audit_{clock_, audited_};
  ControlKeeper keeper_{{rig_.loop(), clock_, audited_, controls_, [](const proto::Control&) {},
                         [](const proto::Control&) {}}};
  RuleKeeper rules_{{clock_, journal_, book_, keeper_,
                     [this] { return std::make_shared<const OnePolicy>(limits_); }, 1, true,
                     [](RuleKeeper::Event, const proto::RuleHit&) {},
                     [](const proto::RuleHit&, const std::string&) {}},
                    rules::ShippedRules()};
  std::optional<ControlService> control_;
  std::string folder_;
  std::optional<int64_t> as_uid_;  // who the kernel says is asking; none: as it is
  std::unique_ptr<http::Server> server_;
};

TEST_F(ControlServiceTest, RulesAndWhatTheyHit) {
  Publish();
  Reply rules = Ask("GET /rules");
  ASSERT_EQ(rules.status, 200);
  EXPECT_EQ(rules.body["version"], rules::ShippedRules()->version);
  EXPECT_EQ(rules.body["rules"].size(), rules::ShippedRules()->rules.size());
  EXPECT_EQ(Ask("GET /rules/hits").body["hits"].size(), 0u);
  RunOrder order;
  order.revision = book_.Find("demo");
  RunResult killed;
  killed.verdict = proto::VERDICT_CPU_TIME;
  killed.had_worker = true;
  rules_.WriterCame();
  Answer(proto::FromWriter());
  Answer(proto::FromWriter());
  for (int i = 0; i < 25; ++i) rules_.activity().Ended(order, killed);
  rules_.Look();
  json hits = Ask("GET /rules/hits?canvas=demo&rule=runaway&open=1").body["hits"];
  ASSERT_EQ(hits.size(), 1u);
  EXPECT_THAT(hits[0]["explanation"].get<std::string>(), HasSubstr("kills = 25 (>= 20)"));
  EXPECT_EQ(Ask("GET /rules/hits?canvas=other").body["hits"].size(), 0u);
  ExpectNo(Ask("GET /rules/hits?rule=none"), 404, "there is no rule none");
  ExpectNo(Ask("GET /rules/hits?canvas=%2F"), 422, "not a canvas name");
  ExpectNo(Ask("GET /rules/hits?n=x"), 400, "n is a number");
  ExpectNo(Ask("DELETE /rules"), 404, "there is no DELETE /rules");
}

TEST_F(ControlServiceTest, WhatRulesCountIsThatOfTheWriterAndOfTheMinuteThatIsNotOver) {
  Publish();
  rules_.WriterCame();
  Answer(proto::FromWriter());
  Answer(proto::FromWriter());
  rules_.activity().Came("demo");
  rules_.Look();
  auto asked = Send("GET /rules/counters?since=2h&after=1700000000");
  ASSERT_TRUE(Until([&] { return !journal_.questions.empty(); }));
  const proto::CountersWanted wanted = journal_.questions.back().question.counters_wanted();
  EXPECT_EQ(wanted.until_unix_s() - wanted.since_unix_s(), 7200);
  EXPECT_EQ(wanted.after_unix_s(), 1'700'000'000);
  proto::FromWriter answer;
  answer.mutable_counters()->set_since_unix_s(wanted.since_unix_s());
  answer.mutable_counters()->set_until_unix_s(wanted.until_unix_s() + 60);
  answer.mutable_counters()->add_slots()->set_begins_unix_s(wanted.since_unix_s());
  Answer(answer);
  const json slots = Wait(*asked).body["slots"];
  ASSERT_EQ(slots.size(), 2u);
  EXPECT_EQ(slots[1]["rows"][0]["canvas"], "demo");
  EXPECT_EQ(slots[1]["rows"][0]["counts"]["requests"], "1");
  ExpectNo(Ask("GET /rules/counters?after=x"), 400, "after is seconds");
  ExpectNo(Ask("GET /rules/counters?since=x"), 400, "x");
}

TEST_F(ControlServiceTest, AnImportIsOfACanvasThatIsThereAndOfATraceThatCanBe) {
  ExpectNo(Ask("POST /canvases/demo/traces", "{}"), 404, "there is no canvas demo");
  ExpectNo(Ask("POST /canvases/demo/traces?file=x%2F0", "{}"), 404, "x/0: there is no canvas demo");
  Publish();
  ExpectNo(Ask("POST /canvases/demo/traces?dark_trace=7", "{}"), 400,
           "this is not the id of a trace: 7");
}

TEST_F(ControlServiceTest, RequestsWithoutARouteAreListedWithoutWhatAHandlerTakesByNow) {
  ExpectNo(Ask("GET /canvases/demo/404s"), 404, "there is no canvas demo");
  Publish();
  ExpectNo(Ask("GET /canvases/demo/404s?n=0"), 400, "n is a number of rows");
  proto::MissedRoute noted;
  noted.set_canvas("demo");
  noted.set_path("/new");
  missed_.Add(noted);
  auto client = Send("GET /canvases/demo/404s?n=2");
  ASSERT_TRUE(Until([&] { return journal_.questions.size() == 2; }));
  EXPECT_EQ(journal_.questions[0].question.routes_missed().routes(0).path(), "/new");
  EXPECT_EQ(journal_.questions[1].question.list_missed().canvas(), "demo");
  proto::FromWriter answer;
  for (const char* path : {"/a", "/hello/x", "/b", "/c"}) {
    proto::MissedRoute& route = *answer.mutable_missed()->add_routes();
    route.set_method("GET");
    route.set_path(path);
    route.set_count(3);
  }
  Answer(answer);
  Reply reply = Wait(*client);
  EXPECT_EQ(reply.status, 200);
  ASSERT_EQ(reply.body["routes"].size(), 2u) << reply.body;
  EXPECT_EQ(reply.body["routes"][0]["path"], "/a");
  EXPECT_EQ(reply.body["routes"][1]["path"], "/b");
}

TEST_F(ControlServiceTest, ARerunNeedsATraceARevisionAndAHandler) {
  const std::string id = RunId::New(clock_.Wall()).ToString();
  const std::string path = "POST /canvases/demo/traces/" + id + "/rerun";
  ExpectNo(Ask("POST /canvases/demo/traces/nonsense/rerun"), 400, "not a trace id");
  ExpectNo(Ask(path + "?revision=0"), 400, "revision is a number");
  auto replay = [](const std::string& not_whole) {
    proto::FromWriter answer;
    answer.mutable_replay()->set_not_whole(not_whole);
    answer.mutable_replay()->mutable_row()->set_handler("GET /gone");
    return answer;
  };
  auto client = Send(path);
  Answer(replay("its input was too large"));
  ExpectNo(Wait(*client), 422, "cannot be done again: its input was too large");
  client = Send(path);
  Answer(replay(""));
  ExpectNo(Wait(*client), 404, "there is no canvas demo");
  Publish();
  client = Send(path);
  Answer(replay(""));
  ExpectNo(Wait(*client), 404, "revision 1 of demo has no handler GET /gone");
  client = Send(path + "?revision=7");
  Answer(replay(""));
  ASSERT_TRUE(Until([&] { return !journal_.questions.empty(); }));
  EXPECT_EQ(journal_.questions[0].question.load_revision().revision(), 7u);
  journal_.questions[0].answered(Fail(ErrorCode::kNotFound, "no program of revision 7"));
  ExpectNo(Wait(*client), 404, "no program of revision 7");
}

TEST_F(ControlServiceTest, AFunctionNeedsACallOrArguments) {
  const std::string id = RunId::New(clock_.Wall()).ToString();
  const std::string path = "POST /canvases/demo/traces/" + id + "/functions/fib";
  ExpectNo(Ask("POST /canvases/demo/traces/nonsense/functions/fib"), 400, "not a trace id");
  ExpectNo(Ask(path + "?call=0"), 400, "call is a number");
  ExpectNo(Ask(path + "?call=1", "[1]"), 400, "either a call's arguments or others");
  ExpectNo(Ask(path + "?revision=x"), 400, "revision is a number");
  ExpectNo(Ask(path, "[\"\xff\"]"), 400, "arguments are text");
  ExpectNo(Ask(path + std::string(257, 'x')), 400, "a function's name is text of at most 256");
  auto client = Send(path + "?call=3");
  ASSERT_TRUE(Until([&] { return journal_.questions.size() == 1; }));
  proto::ReplayFunction wanted = journal_.questions[0].question.get_replay().function();
  EXPECT_EQ(wanted.name(), "fib");
  EXPECT_EQ(wanted.call(), 3u);
  Answer(Fail(ErrorCode::kNotFound, "this trace calls no function `fib`"));
  ExpectNo(Wait(*client), 404, "this trace calls no function `fib`");
  client = Send(path, "[7]");
  ASSERT_TRUE(Until([&] { return journal_.questions.size() == 1; }));
  wanted = journal_.questions[0].question.get_replay().function();
  EXPECT_EQ(wanted.call(), 0u);
  EXPECT_EQ(wanted.arguments_json(), "[7]");
  proto::FromWriter answer;
  answer.mutable_replay()->set_not_whole("it was cut");
  Answer(answer);
  ExpectNo(Wait(*client), 422, "this function cannot be run: it was cut");
}

TEST_F(ControlServiceTest, OnlyWhoStartedTheSupervisorMaySpeak) {
  as_uid_ = 4242;
  ExpectNo(Ask("GET /canvases"), 403, "only who started");
  ExpectNo(Ask("DELETE /runs/x"), 403, "only who started");
  as_uid_ = -1;  // a peer that the kernel could not name
  ExpectNo(Ask("GET /canvases"), 403, "only who started");
  as_uid_ = 0;
  EXPECT_EQ(Ask("GET /canvases").status, 200);
}

TEST_F(ControlServiceTest, MetricsAreWhatPrometheusReads) {
  auto client = Send("GET /metrics");
  ASSERT_TRUE(Until([&] { return client->ended(); }));
  EXPECT_THAT(client->received(), HasSubstr("HTTP/1.1 200 OK"));
  EXPECT_THAT(client->received(), HasSubstr("Content-Type: text/plain; version=0.0.4"));
  EXPECT_THAT(client->received(), EndsWith("\r\n\r\nnightjar_canvases 1\n"));
}

// One reader of events, and what it has read.
class EventsTest : public ControlServiceTest {
 protected:
  std::unique_ptr<RawClient> Read(const std::string& query = "", const std::string& after = "") {
    auto client = std::make_unique<RawClient>(rig_.loop(), folder_ + "/control.sock");
    std::string id = after.empty() ? "" : "Last-Event-ID: " + after + "\r\n";
    client->Send("GET /events" + query + " HTTP/1.1\r\nHost: nightjar\r\n" + id + "\r\n");
    EXPECT_TRUE(Until([&] { return client->Has("\r\n:\n\n\r\n") || client->Has("error"); }));
    return client;
  }
  void Happen(const std::string& canvas, const std::string& request_line) {
    if (feed_.Wants()) feed_.Publish(NotFoundEvent(canvas, request_line));
  }
  std::string IdOf(uint64_t number) const { return feed_.life() + "-" + std::to_string(number); }
};

TEST_F(EventsTest, AreStreamedAsTheyHappen) {
  auto client = Read();
  EXPECT_TRUE(client->Has("Content-Type: text/event-stream\r\n"));
  Happen("demo", "GET /a");
  ASSERT_TRUE(Until([&] { return client->Has("GET /a"); }));
  EXPECT_TRUE(client->Has("id: " + IdOf(feed_.oldest()) + "\nevent: not_found\ndata: {"));
  EXPECT_FALSE(client->Has("event: gap"));
}

TEST_F(EventsTest, AreChosenByCanvasAndKind) {
  auto one = Read("?canvas=one");
  auto kills = Read("?kind=kill,deploy");
  Happen("two", "GET /two");
  Happen("one", "GET /one");
  ASSERT_TRUE(Until([&] { return one->Has("GET /one"); }));
  EXPECT_FALSE(one->Has("GET /two"));
  Settle();
  EXPECT_FALSE(kills->Has("not_found"));
}

TEST_F(EventsTest, GoOnAfterTheLastOneThatWasSeen) {
  auto first = Read();
  Happen("demo", "GET /1");
  Happen("demo", "GET /2");
  ASSERT_TRUE(Until([&] { return first->Has("GET /2"); }));
  uint64_t seen = feed_.oldest();
  first->Close();
  Happen("demo", "GET /3");
  auto again = Read("", IdOf(seen));
  ASSERT_TRUE(Until([&] { return again->Has("GET /3"); }));
  EXPECT_TRUE(again->Has("GET /2"));
  EXPECT_FALSE(again->Has("GET /1"));
  EXPECT_FALSE(again->Has("event: gap"));
}

TEST_F(EventsTest, WhatIsNotKeptAnyMoreIsAGap) {
  auto client = Read("", "another-life-7");
  EXPECT_TRUE(Until([&] { return client->Has("event: gap\n"); }));
  auto held = Read();
  uint64_t seen = feed_.next() - 1;
  for (size_t i = 0; i <= bounds::kEventsKept; ++i) Happen("demo", "GET /" + std::to_string(i));
  auto late = Read("", IdOf(seen));
  ASSERT_TRUE(Until([&] { return late->Has("GET /" + std::to_string(bounds::kEventsKept)); }));
  EXPECT_EQ(late->Count("event: gap\n"), 1u);
  EXPECT_LT(late->received().find("event: gap"), late->received().find("event: not_found"));
}

TEST_F(EventsTest, AReaderThatStopsReadingIsToldOfTheGapWhenItGoesOn) {
  auto client = Read();
  client->StopReading();
  const std::string line(200, 'x');
  for (size_t i = 0; i < 8 * bounds::kEventsKept; ++i) Happen("demo", line);
  client->StartReading();
  Happen("demo", "GET /last");
  ASSERT_TRUE(Until([&] { return client->Has("GET /last"); }));
  EXPECT_TRUE(client->Has("event: gap\n"));
}

TEST_F(EventsTest, AReaderThatGoesLeavesNothingBehind) {
  std::vector<std::unique_ptr<RawClient>> readers;
  for (size_t i = 0; i < bounds::kEventReaders; ++i) readers.push_back(Read());
  ExpectNo(Ask("GET /events"), 503, "read events already");
  readers.clear();
  ASSERT_TRUE(Until([&] { return server_->connections() == 0; }));
  auto again = Read();
  EXPECT_TRUE(again->Has("200 OK"));
}

TEST_F(EventsTest, AKindThatIsNoneIsToldByName) {
  ExpectNo(Ask("GET /events?kind=kill,murder"), 400, "no kind of event named murder");
}

TEST_F(ControlServiceTest, WhatIsNotThereIsSaidWithItsName) {
  ExpectNo(Ask("GET /"), 404, "there is no GET / ");
  ExpectNo(Ask("GET /nothing"), 404, "GET /nothing");
  ExpectNo(Ask("POST /canvases"), 404, "POST /canvases");
  ExpectNo(Ask("GET /canvases/demo/what"), 404, "/canvases/demo/what");
  ExpectNo(Ask("GET /canvases/demo/traces/a/b"), 404, "/a/b");
  ExpectNo(Ask("GET /canvases/%zz"), 400, "not a path");
  ExpectNo(Ask("GET /incidents?canvas=%ff"), 400, "not a path");
}

TEST_F(ControlServiceTest, ListsCanvases) {
  EXPECT_EQ(Ask("GET /canvases").body["canvases"].size(), 0u);
  Publish();
  metrics_.Of("demo").requests = 7;
  json rows = Ask("GET /canvases").body["canvases"];
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0]["canvas"], "demo");
  EXPECT_EQ(rows[0]["revision"], "1");
  EXPECT_EQ(rows[0]["handlers"], 2);
  EXPECT_EQ(rows[0]["requests"], "7");
  EXPECT_EQ(rows[0]["killed"], "0");  // a zero is shown, not left out
}

TEST_F(ControlServiceTest, DoctorIsAsItWasAtTheStart) {
  EXPECT_EQ(Ask("GET /doctor").body["can_serve"], true);
}

TEST_F(ControlServiceTest, ABadDeployIsRefusedBeforeAnythingIsStarted) {
  for (const char* name : {"Demo", "-demo", "a.b", "%20", "a%2fb"})
    ExpectNo(Ask(std::string("PUT /canvases/") + name, "text"), 422, "a canvas is named");
  ExpectNo(Ask("PUT /canvases/demo", std::string(bounds::kSourceBytes + 1, 'x')), 413,
           std::to_string(bounds::kSourceBytes));
  EXPECT_TRUE(zygote_.workers.empty());
}

TEST_F(ControlServiceTest, ADeployAnswersWithWhatItServesNow) {
  zygote_.manner = FakeZygote::Manner::kBears;
  auto client = Send("PUT /canvases/demo?file=my.dark", "text");
  ASSERT_TRUE(Until([&] { return zygote_.workers.size() == 1; }));
  auto heard = zygote_.last().Hear();
  ASSERT_TRUE(heard);
  EXPECT_EQ(heard->compile().file_name(), "my.dark");
  proto::FromWriter saved;
  proto::FromWorker message;
  *message.mutable_compiled()->mutable_manifest() = SomeRevision("demo", 1)->manifest;
  message.mutable_compiled()->set_program_bytes(1);
  auto program = CreateImmutableMemfd("test-program", "p");
  ASSERT_TRUE(program);
  zygote_.last().Say(message, {program->get()});
  ASSERT_TRUE(Until([&] { return journal_.saves.size() == 1; }));
  EXPECT_THAT(journal_.saves[0].revision.deployed_by(), HasSubstr("uid"));
  journal_.saves[0].done({});
  Reply reply = Wait(*client);
  EXPECT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(reply.body["canvas"], "demo");
  EXPECT_EQ(reply.body["revision"], "1");
  EXPECT_EQ(reply.body["handlers"][0]["name"], "GET /hello/:name");
  EXPECT_EQ(reply.body["handlers"][0]["kind"], "HANDLER_KIND_HTTP");
}

TEST_F(ControlServiceTest, AFileWithMistakesComesBackWithThem) {
  zygote_.manner = FakeZygote::Manner::kBears;
  auto client = Send("PUT /canvases/demo", "text");
  ASSERT_TRUE(Until([&] { return zygote_.workers.size() == 1; }));
  proto::FromWorker message;
  proto::Diagnostic& diagnostic = *message.mutable_compiled()->add_diagnostics();
  diagnostic.set_line(3);
  diagnostic.set_column(7);
  diagnostic.set_message("what is \"this\"?");
  zygote_.last().Say(message);
  Reply reply = Wait(*client);
  ExpectNo(reply, 422, "errors");
  ASSERT_EQ(reply.body["diagnostics"].size(), 1u);
  EXPECT_EQ(reply.body["diagnostics"][0]["line"], 3);
  EXPECT_EQ(reply.body["diagnostics"][0]["column"], 7);
  EXPECT_EQ(reply.body["diagnostics"][0]["message"], "what is \"this\"?");
}

TEST_F(ControlServiceTest, ADeployWithoutAWriterCanBeTriedLater) {
  zygote_.manner = FakeZygote::Manner::kBears;
  journal_.away = true;
  auto client = Send("PUT /canvases/demo", "text");
  ASSERT_TRUE(Until([&] { return zygote_.workers.size() == 1; }));
  proto::FromWorker message;
  message.mutable_compiled()->set_program_bytes(1);
  auto program = CreateImmutableMemfd("test-program", "p");
  ASSERT_TRUE(program);
  zygote_.last().Say(message, {program->get()});
  ExpectNo(Wait(*client), 503, "writer");
}

TEST_F(ControlServiceTest, RunsAHandlerOnceAndTellsAllOfIt) {
  Publish();
  ExpectNo(Ask("POST /canvases/nobody/run/Job"), 404, "nobody");
  ExpectNo(Ask("POST /canvases/demo/run/Nothing"), 404, "`Nothing`");
  auto client = Send("POST /canvases/demo/run/Job", "{\"a\":1}");
  ASSERT_TRUE(Until(
      [&] { return !zygote_.workers.empty() && !zygote_.last().HearRun().run_id().empty(); }));
  proto::Run run = zygote_.last().HearRun();
  EXPECT_EQ(run.json(), "{\"a\":1}");
  proto::FromWorker message;
  message.mutable_finished()->set_run_id(run.run_id());
  message.mutable_finished()->set_status(200);
  message.mutable_finished()->set_body("42");
  zygote_.last().Say(message);
  Reply reply = Wait(*client);
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body["verdict"], "VERDICT_FINISHED");
  EXPECT_EQ(reply.body["run_id"], RunId::FromBytes(run.run_id())->ToString());
  EXPECT_EQ(reply.body["body"], "NDI=");  // bytes, as protobuf's JSON has them
  EXPECT_TRUE(reply.body["usage"].contains("wall_us"));
}

TEST_F(ControlServiceTest, AHandlerWithARouteIsRunByItsName) {
  Publish();
  auto client = Send("POST /canvases/demo/run/GET%20%2Fhello%2F%3Aname", "the body");
  ASSERT_TRUE(Until(
      [&] { return !zygote_.workers.empty() && !zygote_.last().HearRun().run_id().empty(); }));
  proto::Run run = zygote_.last().HearRun();
  EXPECT_EQ(run.tlid(), kHelloTlid);
  EXPECT_EQ(run.http().method(), "GET");
  EXPECT_EQ(run.http().body(), "the body");
}

TEST_F(ControlServiceTest, AnEventIsOfBoundedSize) {
  Publish();
  ExpectNo(Ask("POST /canvases/demo/run/Job", std::string(bounds::kInlineBodyBytes + 1, '1')), 413,
           "an event is at most");
  auto client = Send("POST /canvases/demo/run/Job");
  ASSERT_TRUE(Until(
      [&] { return !zygote_.workers.empty() && !zygote_.last().HearRun().run_id().empty(); }));
  EXPECT_EQ(zygote_.last().HearRun().json(), "null");  // no input is null
}

TEST_F(ControlServiceTest, ShowsAndEndsLiveRuns) {
  Publish();
  auto caller = Send("POST /canvases/demo/run/Job");
  ASSERT_TRUE(Until(
      [&] { return !zygote_.workers.empty() && !zygote_.last().HearRun().run_id().empty(); }));
  json rows = Ask("GET /runs").body["runs"];
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0]["canvas"], "demo");
  EXPECT_EQ(rows[0]["handler"], "Job");
  EXPECT_EQ(rows[0]["state"], "running");
  EXPECT_EQ(rows[0]["pid"], zygote_.last().process.pid());
  EXPECT_EQ(rows[0]["wall_limit_us"], "60000000");
  std::string id = rows[0]["run_id"];
  auto why = Send("GET /runs/" + id.substr(0, 8));
  Answer(Fail(ErrorCode::kNotFound, "no run is known"));
  EXPECT_EQ(Wait(*why).body["running"]["run_id"], id);
  // One that the writer knows may begin alike.
  why = Send("GET /runs/" + id.substr(0, 8));
  proto::FromWriter other;
  other.mutable_why()->set_run_id(id.substr(0, 8) + "-other");
  Answer(other);
  ExpectNo(Wait(*why), 409,
           "is the start of several ids, among them " + id + " and " + id.substr(0, 8));
  why = Send("GET /runs/" + id.substr(0, 3));
  Answer(Fail(ErrorCode::kInvalid, "is no id"));
  ExpectNo(Wait(*why), 422, "is no id");
  Reply killed = Ask("DELETE /runs/" + id);
  EXPECT_EQ(killed.status, 200);
  EXPECT_EQ(killed.body["run_id"], id);
  EXPECT_EQ(killed.body["verdict"], "VERDICT_OPERATOR");
  EXPECT_EQ(Wait(*caller).body["verdict"], "VERDICT_OPERATOR");
  ExpectNo(Ask("DELETE /runs/" + id), 404, "may have ended");
  ExpectNo(Ask("DELETE /runs/not-an-id"), 400, "not-an-id");
  EXPECT_EQ(Ask("GET /runs").body["runs"].size(), 0u);
}

TEST_F(ControlServiceTest, LimitsComeWithTheLineThatSetThem) {
  limits_.wall.origin = {"policy.toml:4", "canvas demo"};
  json limits = Ask("GET /canvases/demo/limits").body["limits"];
  ASSERT_FALSE(limits.empty());
  EXPECT_EQ(limits[0]["name"], "wall");
  EXPECT_EQ(limits[0]["value"], "1m");
  EXPECT_EQ(limits[0]["source"], "policy.toml:4");
  json handlers = Ask("GET /canvases/demo/limits?handler=GET%20%2Fx").body;
  EXPECT_EQ(handlers["handler"], "GET /x");
  EXPECT_EQ(handlers["limits"][0]["layer"], "handler GET /x");
  ExpectNo(Ask("GET /canvases/De%20mo/limits"), 422, "not a canvas name");
}

TEST_F(ControlServiceTest, LimitsSayWhatOfThemIsNotDeployed) {
  EXPECT_EQ(Ask("GET /canvases/demo/limits").body["not_deployed"], "canvas demo");
  Publish();
  EXPECT_EQ(Ask("GET /canvases/demo/limits").body["not_deployed"], "");
  const std::string handler = book_.Find("demo")->manifest.handlers(0).name();
  EXPECT_EQ(Ask("GET /canvases/demo/limits?handler=" + Encoded(handler)).body["not_deployed"], "");
  EXPECT_EQ(Ask("GET /canvases/demo/limits?handler=GET%20%2Fx").body["not_deployed"],
            "handler GET /x");
}

TEST_F(ControlServiceTest, AsksTheWriterForTraces) {
  Publish();
  auto client = Send("GET /canvases/demo/traces?n=5&verdict=wall_time&handler=Job");
  ASSERT_TRUE(Until([&] { return journal_.questions.size() == 1; }));
  const proto::ListTraces asked = journal_.questions[0].question.list_traces();
  EXPECT_EQ(asked.canvas(), "demo");
  EXPECT_EQ(asked.rows_max(), 5u);
  EXPECT_EQ(asked.verdict(), proto::VERDICT_WALL_TIME);
  EXPECT_EQ(asked.handler(), "Job");
  proto::FromWriter answer;
  answer.mutable_traces()->add_traces()->set_detail("so it was");
  Answer(answer);
  EXPECT_EQ(Wait(*client).body["traces"][0]["detail"], "so it was");
}

TEST_F(ControlServiceTest, TracesAreAskedForByWhatTheyTouched) {
  Publish();
  const std::string name = book_.Find("demo")->manifest.handlers(0).name();
  auto client = Send("GET /canvases/demo/traces?handler=" + Encoded(name) +
                     "&function=fib&caller=10.0.0.1&since=2026-11-24&until=2026-11-24T17:27:25Z"
                     "&revision=3&field=user_id%3Da=b");
  ASSERT_TRUE(Until([&] { return journal_.questions.size() == 1; }));
  const proto::ListTraces asked = journal_.questions[0].question.list_traces();
  EXPECT_EQ(asked.tlid(), book_.Find("demo")->manifest.handlers(0).tlid());
  EXPECT_EQ(asked.function(), "fib");
  EXPECT_EQ(asked.caller(), "10.0.0.1");
  EXPECT_EQ(asked.since_unix_us(), 1'795'478'400'000'000);
  EXPECT_EQ(asked.until_unix_us(), 1'795'541'245'000'000);
  EXPECT_EQ(asked.revision(), 3u);
  EXPECT_EQ(asked.field(), "user_id");
  EXPECT_EQ(asked.field_value(), "a=b");
  Answer(proto::FromWriter());
  Wait(*client);
}

TEST_F(ControlServiceTest, AWrongFilterIsToldInOneLine) {
  Publish();
  const std::pair<const char*, const char*> kWrong[] = {
      {"since=yesterday", "since is a time (UTC) like"},
      {"until=2026-02-30", "not 2026-02-30"},
      {"revision=0", "revision is a number"},
      {"revision=x", "not x"},
      {"field=user_id", "field is NAME=VALUE"},
      {"field=%3D7", "field is NAME=VALUE"}};
  for (auto [query, words] : kWrong)
    ExpectNo(Ask(std::string("GET /canvases/demo/traces?") + query), 400, words);
}

TEST_F(ControlServiceTest, ATraceIsHeldAndReleased) {
  const std::string id = RunId::New(clock_.Wall()).ToString();
  auto client = Send("PUT /canvases/demo/holds/" + id, "abuse report 7");
  ASSERT_TRUE(Until([&] { return journal_.questions.size() == 1; }));
  const proto::HoldTrace order = journal_.questions[0].question.hold_trace();
  EXPECT_EQ(order.canvas(), "demo");
  EXPECT_EQ(order.run_id(), RunId::Parse(id)->bytes());
  EXPECT_EQ(order.reason(), "abuse report 7");
  EXPECT_THAT(order.by(), HasSubstr("uid "));
  proto::FromWriter answer;
  answer.mutable_hold()->set_reason("so it was");
  Answer(answer);
  EXPECT_EQ(Wait(*client).body["reason"], "so it was");
  client = Send("DELETE /canvases/demo/holds/" + id, "the case is closed");
  ASSERT_TRUE(Until([&] { return journal_.questions.size() == 1; }));
  EXPECT_EQ(journal_.questions[0].question.release_trace().run_id(), RunId::Parse(id)->bytes());
  Answer(Fail(ErrorCode::kNotFound, "it is not held"));
  ExpectNo(Wait(*client), 404, "it is not held");
  EXPECT_EQ(audited_.entries.back().action(), "release");
  EXPECT_EQ(audited_.entries.back().reason(), "the case is closed");
  client = Send("GET /holds?canvas=demo");
  ASSERT_TRUE(Until([&] { return journal_.questions.size() == 1; }));
  EXPECT_EQ(journal_.questions[0].question.list_holds().canvas(), "demo");
  answer.mutable_holds()->add_holds()->set_by("uid 0");
  Answer(answer);
  EXPECT_EQ(Wait(*client).body["holds"][0]["by"], "uid 0");
  ExpectNo(Ask("PUT /canvases/demo/holds/" + id), 400, "a reason is needed");
  ExpectNo(Ask("PUT /canvases/demo/holds/" + id, std::string(501, 'x')), 400, "at most 500 bytes");
  ExpectNo(Ask("PUT /canvases/demo/holds/" + id, "\xff"), 400, "text");
  ExpectNo(Ask("PUT /canvases/demo/holds/xyz", "why"), 400, "xyz");
  ExpectNo(Ask("DELETE /canvases/demo/holds/" + id), 400, "a reason is needed");
  ExpectNo(Ask("DELETE /canvases/demo/holds/xyz", "why"), 400, "xyz");
}

TEST_F(ControlServiceTest, ATraceIsDeletedWithAReason) {
  Publish();
  const std::string id = RunId::New(clock_.Wall()).ToString();
  const std::string target = "DELETE /canvases/demo/traces/" + id;
  auto client = Send(target, "a customer asked");
  ASSERT_TRUE(Until([&] { return journal_.questions.size() == 1; }));
  const proto::DeleteTrace order = journal_.questions[0].question.delete_trace();
  EXPECT_EQ(order.canvas(), "demo");
  EXPECT_EQ(order.run_id(), RunId::Parse(id)->bytes());
  EXPECT_EQ(order.reason(), "a customer asked");
  EXPECT_THAT(order.by(), HasSubstr("uid "));
  proto::FromWriter answer;
  answer.mutable_trace_deleted()->set_not_yet("it is away");
  Answer(answer);
  EXPECT_EQ(Wait(*client).body["not_yet"], "it is away");
  client = Send(target, "why");
  ASSERT_TRUE(Until([&] { return journal_.questions.size() == 1; }));
  Answer(Fail(ErrorCode::kExists, "it is held"));
  ExpectNo(Wait(*client), 409, "it is held");
  ExpectNo(Ask(target), 400, "a reason is needed");
  ExpectNo(Ask(target, std::string(501, 'x')), 400, "at most 500 bytes");
  ExpectNo(Ask("DELETE /canvases/demo/traces/xyz", "why"), 400, "xyz");
}

TEST_F(ControlServiceTest, SaysWhyATraceIsGone) {
  Publish();
  for (auto [code, name] :
       {std::pair(ErrorCode::kDeleted, "deleted"), std::pair(ErrorCode::kExpired, "expired")}) {
    auto client = Send("GET /canvases/demo/traces/" + RunId::New(clock_.Wall()).ToString());
    ASSERT_TRUE(Until([&] { return journal_.questions.size() == 1; }));
    Answer(Fail(code, "it is gone"));
    Reply reply = Wait(*client);
    EXPECT_EQ(reply.status, 410);
    EXPECT_EQ(reply.body["code"], name);
  }
}

TEST_F(ControlServiceTest, UsageIsOfWholeHours) {
  auto wanted = [&] {
    EXPECT_TRUE(Until([&] { return journal_.questions.size() == 1; }));
    return journal_.questions.at(0).question.usage_wanted();
  };
  auto client = Send("GET /usage?canvas=demo&since=2024-02-29T10:30&until=2024-02-29T11:01&by=day");
  proto::UsageWanted asked = wanted();
  EXPECT_EQ(asked.canvas(), "demo");
  EXPECT_EQ(asked.by(), proto::USAGE_BY_DAY);
  EXPECT_EQ(asked.since_unix_s(), 1'709'200'800);  // 10:00
  EXPECT_EQ(asked.until_unix_s(), 1'709'208'000);  // 12:00
  proto::FromWriter answer;
  proto::UsageRow& row = *answer.mutable_usage()->add_rows();
  row.set_canvas("demo");
  (*row.mutable_used()->mutable_runs())["finished"] = 3;
  Answer(answer);
  Reply reply = Wait(*client);
  EXPECT_EQ(reply.body["rows"][0]["used"]["runs"]["finished"], "3");
  // Of a day, when nothing is said.
  client = Send("GET /usage");
  asked = wanted();
  EXPECT_EQ(asked.by(), proto::USAGE_BY_CANVAS);
  EXPECT_GE(asked.until_unix_s() - asked.since_unix_s(), 24 * 3600);
  EXPECT_LE(asked.until_unix_s() - asked.since_unix_s(), 25 * 3600);
  Answer(Fail(ErrorCode::kExhausted, "ask for a shorter time"));
  ExpectNo(Wait(*client), 503, "a shorter time");
  ExpectNo(Ask("GET /usage?by=week"), 400, "hour, day or canvas");
  ExpectNo(Ask("GET /usage?since=yesterday"), 400, "since is a time");
  ExpectNo(Ask("GET /usage?canvas=../x"), 422, "not a canvas name");
}

TEST_F(ControlServiceTest, TheNumberOfRowsIsBounded) {
  Publish();
  auto Asked = [&](const std::string& query) {
    auto client = Send("GET /canvases/demo/traces" + query);
    EXPECT_TRUE(Until([&] { return journal_.questions.size() == 1; })) << query;
    uint32_t rows = journal_.questions[0].question.list_traces().rows_max();
    Answer(proto::FromWriter());
    Wait(*client);
    return rows;
  };
  EXPECT_EQ(Asked(""), 20u);
  EXPECT_EQ(Asked("?n=1000000"), bounds::kListRows);
  for (const char* bad : {"0", "-1", "x", "5x", "4294967296", "%20"}) {
    ExpectNo(Ask(std::string("GET /canvases/demo/traces?n=") + bad), 400, "n is a number");
    ExpectNo(Ask(std::string("GET /incidents?n=") + bad), 400, "n is a number");
  }
}

TEST_F(ControlServiceTest, AVerdictIsNamedAsItIsShownOrAsItIsStored) {
  Publish();
  for (const char* name : {"wall_time", "WALL_TIME", "VERDICT_WALL_TIME", "verdict_wall_time"}) {
    auto client = Send(std::string("GET /canvases/demo/traces?verdict=") + name);
    ASSERT_TRUE(Until([&] { return journal_.questions.size() == 1; })) << name;
    EXPECT_EQ(journal_.questions[0].question.list_traces().verdict(), proto::VERDICT_WALL_TIME);
    Answer(proto::FromWriter());
    Wait(*client);
  }
  ExpectNo(Ask("GET /canvases/demo/traces?verdict=slow"), 400, "slow");
  ExpectNo(Ask("GET /canvases/nobody/traces"), 404, "nobody");
}

TEST_F(ControlServiceTest, TracesAndIncidentsAreFoundByTheirId) {
  std::string id = RunId::New(clock_.Wall()).ToString();
  ExpectNo(Ask("GET /canvases/demo/traces/xyz"), 400, "xyz");
  ExpectNo(Ask("GET /incidents/xyz"), 400, "xyz");
  auto trace = Send("GET /canvases/demo/traces/" + id);
  ASSERT_TRUE(Until([&] { return journal_.questions.size() == 1; }));
  EXPECT_EQ(journal_.questions[0].question.get_trace().run_id(), RunId::Parse(id)->bytes());
  EXPECT_EQ(journal_.questions[0].question.get_trace().canvas(), "demo");
  Answer(Fail(ErrorCode::kNotFound, "no such trace"));
  ExpectNo(Wait(*trace), 404, "no such trace");
  auto incident = Send("GET /incidents/" + id);
  proto::FromWriter answer;
  answer.mutable_incident()->set_verdict(proto::VERDICT_MEMORY);
  Answer(answer);
  EXPECT_EQ(Wait(*incident).body["verdict"], "VERDICT_MEMORY");
}

TEST_F(ControlServiceTest, ARunIsExplainedByTheWriterOrGoesOn) {
  auto asked = Send("GET /runs/FE6C1A");
  ASSERT_TRUE(Until([&] { return !journal_.questions.empty(); }));
  EXPECT_EQ(journal_.questions[0].question.explain_run().id(), "fe6c1a");
  proto::FromWriter answer;
  answer.mutable_why()->set_run_id("r1");
  answer.mutable_why()->mutable_incident()->set_detail("why");
  Answer(answer);
  EXPECT_EQ(Wait(*asked).body["incident"]["detail"], "why");
  asked = Send("GET /runs/fe6c1b");
  Answer(Fail(ErrorCode::kNotFound, "no run is known by `fe6c1b`"));
  ExpectNo(Wait(*asked), 404, "no run is known by `fe6c1b`");
}

TEST_F(ControlServiceTest, IncidentsAreFoundByOneThingAndACause) {
  auto asked = Send("GET /incidents?caller=10.0.0.1&cause=memory&since=2026-11-24&n=5");
  ASSERT_TRUE(Until([&] { return !journal_.questions.empty(); }));
  const proto::ListIncidents& wanted = journal_.questions[0].question.list_incidents();
  EXPECT_EQ(wanted.caller(), "10.0.0.1");
  EXPECT_EQ(wanted.verdict(), proto::VERDICT_MEMORY);
  EXPECT_EQ(wanted.since_unix_us(), 1'795'478'400'000'000);
  EXPECT_EQ(wanted.rows_max(), 5u);
  proto::FromWriter answer;
  answer.mutable_incidents()->set_more(true);
  Answer(answer);
  EXPECT_EQ(Wait(*asked).body["more"], true);
  const std::string code(64, 'A');
  asked = Send("GET /incidents?code_hash=" + code);
  ASSERT_TRUE(Until([&] { return !journal_.questions.empty(); }));
  EXPECT_EQ(journal_.questions[0].question.list_incidents().code_sha256(), std::string(64, 'a'));
  Answer(answer);
  Wait(*asked);
  ExpectNo(Ask("GET /incidents?caller=x&canvas=demo"), 400, "one of canvas, code_hash and caller");
  ExpectNo(Ask("GET /incidents?code_hash=abc"), 400, "64 digits");
  ExpectNo(Ask("GET /incidents?cause=boredom"), 400, "no verdict named boredom");
  ExpectNo(Ask("GET /incidents?since=soon"), 400, "since is a time");
}

TEST_F(ControlServiceTest, ATimelineIsOfTheLastDayUnlessOneSays) {
  ExpectNo(Ask("GET /canvases/demo/timeline"), 404, "there is no canvas demo");
  Publish();
  ExpectNo(Ask("GET /canvases/demo/timeline?since=soon"), 400, "since is a time");
  ExpectNo(Ask("GET /canvases/demo/timeline?n=0"), 400, "n is a number");
  auto asked = Send("GET /canvases/demo/timeline");
  ASSERT_TRUE(Until([&] { return !journal_.questions.empty(); }));
  const proto::TimelineWanted wanted = journal_.questions.back().question.timeline_wanted();
  EXPECT_EQ(wanted.until_unix_us() - wanted.since_unix_us(), int64_t{86'400'000'000});
  EXPECT_EQ(wanted.rows_max(), bounds::kTimelineRows);
  proto::FromWriter answer;
  answer.mutable_timeline()->set_until_unix_us(100);
  for (int64_t at : {10, 50}) {
    proto::TimelineEvent& event = *answer.mutable_timeline()->add_events();
    event.set_kind(proto::TIMELINE_DEPLOY);
    event.set_at_unix_us(at);
  }
  Answer(answer);
  // With what operators did meanwhile; a deploy is there already.
  proto::FromWriter audit;
  for (auto [at, action] : {std::pair(100, "kill"), {60, "deploy"}, {40, "suspend"}}) {
    proto::AuditEntry& entry = *audit.mutable_audit()->add_entries();
    entry.set_at_unix_us(at);
    entry.set_action(action);
    entry.set_actor("uid 0 pid 7");
    entry.set_user("root");
    entry.set_reason("abuse");
    entry.set_outcome("done");
    entry.set_status(200);
  }
  Answer(audit);
  json events = Wait(*asked).body["events"];
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[0]["kind"], "TIMELINE_DEPLOY");
  EXPECT_EQ(events[1]["detail"], "suspend by root, uid 0 pid 7: abuse");
  EXPECT_EQ(events[2]["at_unix_us"], "50");
}

TEST_F(ControlServiceTest, ALinkAndASourceAreTheWriters) {
  const std::string id = "fe6c1a2b-0000-4000-8000-000000000001";
  auto asked = Send("GET /incidents/" + id + "/link");
  proto::FromWriter answer;
  answer.mutable_incident_link()->set_link(7);
  Answer(answer);
  EXPECT_EQ(Wait(*asked).body["link"], "7");
  ExpectNo(Ask("GET /incidents/seven/link"), 400, "this is not an incident id: seven");
  asked = Send("GET /canvases/demo/revisions/3/source");
  ASSERT_TRUE(Until([&] { return !journal_.questions.empty(); }));
  EXPECT_EQ(journal_.questions[0].question.get_revision_source().revision(), 3u);
  Answer(Fail(ErrorCode::kNotKept, "its secrets are not known"));
  ExpectNo(Wait(*asked), 410, "its secrets are not known");
  ExpectNo(Ask("GET /canvases/demo/revisions/0/source"), 400, "revision is a number");
}

TEST_F(ControlServiceTest, TheChainOfIncidentsIsWalkedInParts) {
  for (const char* bad : {"?after=x", "?after=5", "?after=0&hash=ab", "?head=5",
                          "?head=5:", "?head=:ab", "?head=x:ab", "?head=-1:ab"})
    ExpectNo(Ask(std::string("GET /incidents/verify") + bad), 400, "");
  auto client = Send("GET /incidents/verify?after=5&hash=ab&head=7:cd");
  ASSERT_TRUE(Until([&] { return journal_.questions.size() == 1; }));
  const proto::VerifyIncidents& asked = journal_.questions[0].question.verify_incidents();
  EXPECT_EQ(asked.after(), 5u);
  EXPECT_EQ(asked.hash(), "ab");
  EXPECT_EQ(asked.head(), 7u);
  EXPECT_EQ(asked.head_hash(), "cd");
  proto::FromWriter answer;
  answer.mutable_chain()->set_broken("it was changed");
  Answer(answer);
  EXPECT_EQ(Wait(*client).body["broken"], "it was changed");
}

// A large trace takes a second to print, and no deadline can wait for that: the writer prints it.
TEST_F(ControlServiceTest, ATraceIsPassedOnAsTheWriterPrintedIt) {
  auto client = Send("GET /canvases/demo/traces/" + RunId::New(clock_.Wall()).ToString());
  proto::FromWriter answer;
  answer.set_trace_json("{\"row\":{\"detail\":\"so it was\"},\"more\":[1,2]}");
  Answer(answer);
  Reply reply = Wait(*client);
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, json::parse(answer.trace_json()));
}

// The answer to a GET of an object with these headers, once the writer has said this.
class ObjectTest : public ControlServiceTest {
 protected:
  std::string Object(const std::string& headers, proto::StoredObject stored) {
    auto client =
        Send("GET /canvases/demo/traces/" + id_ +
             " HTTP/1.1\r\nAccept: application/vnd.nightjar.trace\r\n" + headers + "X-Rest:");
    EXPECT_TRUE(Until([&] { return !journal_.questions.empty(); }));
    asked_ = journal_.questions[0].question.get_object();
    proto::FromWriter answer;
    *answer.mutable_stored_object() = std::move(stored);
    Answer(answer);
    EXPECT_TRUE(Until([&] { return client->ended(); }));
    return client->received();
  }
  static proto::StoredObject Bytes(const std::string& content, uint64_t first, uint64_t size) {
    proto::StoredObject stored;
    stored.set_content(content);
    stored.set_first(first);
    stored.set_size(size);
    return stored;
  }
  const std::string id_ = RunId::New(SystemClock().Wall()).ToString();
  proto::GetObject asked_;
};

TEST_F(ObjectTest, IsTheBytesAsTheyAreStored) {
  std::string text = Object("", Bytes("0123456789", 0, 10));
  EXPECT_THAT(text, HasSubstr("HTTP/1.1 200 "));
  EXPECT_THAT(text, HasSubstr("Content-Type: application/vnd.nightjar.trace\r\n"));
  EXPECT_THAT(text, HasSubstr("Accept-Ranges: bytes\r\n"));
  EXPECT_THAT(text, EndsWith("\r\n\r\n0123456789"));
  EXPECT_EQ(asked_.canvas(), "demo");
  EXPECT_EQ(asked_.count(), 0u);
}

TEST_F(ObjectTest, IsAPartWhereOneIsAskedFor) {
  std::string text = Object("Range: bytes=3-5\r\n", Bytes("345", 3, 10));
  EXPECT_THAT(text, HasSubstr("HTTP/1.1 206 "));
  EXPECT_THAT(text, HasSubstr("Content-Range: bytes 3-5/10\r\n"));
  EXPECT_EQ(asked_.first(), 3u);
  EXPECT_EQ(asked_.count(), 3u);
}

TEST_F(ObjectTest, IsNotThereBehindItsEnd) {
  std::string text = Object("Range: bytes=10-\r\n", Bytes("", 10, 10));
  EXPECT_THAT(text, HasSubstr("HTTP/1.1 416 "));
  EXPECT_THAT(text, HasSubstr("Content-Range: bytes */10\r\n"));
}

TEST_F(ObjectTest, IsElsewhereWhereItIsInAStore) {
  proto::StoredObject stored;
  stored.set_url("http://s3/traces/x?X-Amz-Signature=ab");
  std::string text = Object("Range: bytes=0-3\r\n", stored);
  EXPECT_THAT(text, HasSubstr("HTTP/1.1 307 "));
  EXPECT_THAT(text, HasSubstr("Location: http://s3/traces/x?X-Amz-Signature=ab\r\n"));
  EXPECT_THAT(text, HasSubstr("Cache-Control: no-store\r\n"));
}

class StoreMetricsTest : public ControlServiceTest {
 protected:
  std::string Metrics(Result<proto::FromWriter> figures) {
    auto client = Send("GET /metrics");
    Answer(std::move(figures));
    EXPECT_TRUE(Until([&] { return client->ended(); }));
    return client->received();
  }
};

TEST_F(StoreMetricsTest, HaveTheStoresFiguresWhileTheWriterIsThere) {
  control_->ExpectStoreFigures();
  proto::FromWriter figures;
  figures.mutable_store_figures()->set_spooled_bytes(77);
  EXPECT_THAT(Metrics(figures), EndsWith("nightjar_canvases 1\nspooled 77\n"));
  EXPECT_THAT(Metrics(Fail(ErrorCode::kUnavailable, "it is away")),
              EndsWith("nightjar_canvases 1\n"));
}

TEST_F(ControlServiceTest, ErrorsHaveTheirStatus) {
  const std::pair<ErrorCode, int> kStatuses[] = {
      {ErrorCode::kExpired, 410},  {ErrorCode::kExists, 409},      {ErrorCode::kNotFound, 404},
      {ErrorCode::kInvalid, 422},  {ErrorCode::kUnavailable, 503}, {ErrorCode::kExhausted, 503},
      {ErrorCode::kInternal, 500}, {ErrorCode::kTimedOut, 504},    {ErrorCode::kNotKept, 410},
  };
  for (const auto& [code, status] : kStatuses) {
    auto client = Send("GET /incidents?canvas=demo");
    Answer(Fail(code, "because"));
    Reply reply = Wait(*client);
    ExpectNo(reply, status, "because");
    EXPECT_EQ(reply.body["code"].get<std::string>(), ErrorCodeName(code));
  }
}

TEST_F(ControlServiceTest, AnOperatorWhoLeftIsNoMatter) {
  auto client = Send("GET /incidents");
  ASSERT_TRUE(Until([&] { return journal_.questions.size() == 1; }));
  client->Close();
  Settle();
  Answer(proto::FromWriter());
  ASSERT_TRUE(Until([&] { return server_->connections() == 0; }));
  EXPECT_EQ(Ask("GET /canvases").status, 200);
}

// What acts leaves an entry before it is answered, with who, what, why and how it ended; what only
// looks leaves none, and neither source nor body is in any.
TEST_F(ControlServiceTest, WhatActsIsInTheAuditLogAndWhatLooksIsNot) {
  Publish();
  Ask("GET /canvases");
  Ask("GET /controls");
  EXPECT_TRUE(audited_.entries.empty());
  ExpectNo(Ask("DELETE /runs/not-an-id", "he asked"), 400, "not-an-id");
  ExpectNo(Ask("PUT /canvases/Bad", "my secret"), 422, "a canvas is named");
  ExpectNo(Ask("POST /canvases/demo/run/none?token=trumpet", "my secret"), 404, "no handler");
  ASSERT_EQ(audited_.entries.size(), 3u);
  const proto::AuditEntry& kill = audited_.entries[0];
  EXPECT_EQ(kill.action(), "kill");
  EXPECT_EQ(kill.object(), "not-an-id");
  EXPECT_EQ(kill.reason(), "he asked");
  EXPECT_EQ(kill.status(), 400u);
  EXPECT_THAT(kill.outcome(), HasSubstr("not-an-id"));
  EXPECT_EQ(kill.actor(), "uid " + std::to_string(getuid()) + " pid " + std::to_string(getpid()));
  EXPECT_EQ(kill.user(), StarterName());
  EXPECT_EQ(audited_.entries[1].action(), "deploy");
  EXPECT_EQ(audited_.entries[2].action(), "run");
  for (const proto::AuditEntry& entry : audited_.entries) {
    EXPECT_EQ(entry.ShortDebugString().find("secret"), std::string::npos);
    EXPECT_EQ(entry.ShortDebugString().find("trumpet"), std::string::npos);
  }
  as_uid_ = 7;
  ExpectNo(Ask("GET /canvases"), 403, "only who started");
  ASSERT_EQ(audited_.entries.size(), 4u);
  EXPECT_EQ(audited_.entries[3].status(), 403u);
  EXPECT_EQ(audited_.entries[3].object(), "GET /canvases");
}

TEST_F(ControlServiceTest, AnActionWhoseEntryCannotBeWrittenIsDoneAndItsEntryKept) {
  Publish();
  audited_.away = true;
  Reply made =
      Ask("POST /controls", R"({"kind":"CONTROL_SUSPEND","canvas":"demo","reason":"abuse"})");
  EXPECT_EQ(made.status, 200) << made.body;
  EXPECT_EQ(made.body["stored"], false);
  EXPECT_NE(controls_.Suspension("demo"), nullptr);
  EXPECT_EQ(audit_.figures().unwritten, 1u);
  audited_.away = false;
  audited_.entries.clear();
  audit_.Retry();
  keeper_.Retry();
  EXPECT_EQ(audit_.figures().unwritten, 0u);
  ASSERT_EQ(audited_.entries.size(), 1u);
  EXPECT_EQ(audited_.entries[0].action(), "suspend");
  EXPECT_EQ(audited_.entries[0].reason(), "abuse");
  EXPECT_EQ(audited_.work.back().save().canvas(), "demo");
}

TEST_F(ControlServiceTest, ControlsAreMadeListedAndLifted) {
  Publish();
  Reply made = Ask("POST /controls",
                   R"({"kind":"CONTROL_TIGHTEN","canvas":"demo","limit":"wall","value":"1s",
                       "reason":"slow","for_s":60})");
  ASSERT_EQ(made.status, 200) << made.body;
  EXPECT_EQ(made.body["stored"], true);
  EXPECT_EQ(made.body["control"]["id"], "1");
  Reply limits = Ask("GET /canvases/demo/limits");
  EXPECT_EQ(limits.body["limits"][0]["value"], "1s");
  EXPECT_THAT(limits.body["limits"][0]["source"].get<std::string>(), HasSubstr("control 1 by "));
  EXPECT_EQ(Ask("GET /controls").body["controls"].size(), 1u);
  EXPECT_EQ(Ask("GET /controls?canvas=other").body["controls"].size(), 0u);
  ExpectNo(Ask("DELETE /controls/1"), 400, "a reason is needed");
  ExpectNo(Ask("DELETE /controls/x", "why"), 400, "is a number");
  ExpectNo(Ask("DELETE /controls/2", "why"), 404, "no control 2");
  EXPECT_EQ(Ask("DELETE /controls/1", "it is fast now").status, 200);
  EXPECT_EQ(audited_.entries.back().action(), "lift");
  EXPECT_EQ(audited_.entries.back().reason(), "it is fast now");
  EXPECT_EQ(audited_.work.back().remove(), 1u);
  EXPECT_EQ(Ask("GET /canvases/demo/limits").body["limits"][0]["value"], "1m");
}

TEST_F(ControlServiceTest, AControlThatMakesNoSenseIsRefusedWithItsMistake) {
  Publish();
  auto no = [&](const std::string& fields, int status, const std::string& words) {
    ExpectNo(Ask("POST /controls", "{" + fields + "}"), status, words);
  };
  ExpectNo(Ask("POST /controls", "nonsense"), 400, "ControlOrder");
  no(R"("canvas":"none","kind":"CONTROL_SUSPEND","reason":"x")", 404, "no canvas none");
  const std::string demo = R"("canvas":"demo","reason":"x","kind":"CONTROL_)";
  no(R"("canvas":"demo","reason":"x")", 422, "kind is");
  no(R"("canvas":"demo","kind":"CONTROL_BLOCK")", 422, "a reason is needed");
  no(demo + R"(SUSPEND","handler":"GET /x")", 422, "as a whole");
  no(demo + R"(BLOCK","handler":"GET /x")", 422, "no handler named");
  no(demo + R"(BLOCK","handler_kind":"repl")", 422, "http, exec, worker and cron");
  no(demo + R"(BLOCK","kill":true)", 422, "kill is for");
  no(demo + R"(PAUSE","limit":"wall")", 422, "for CONTROL_TIGHTEN");
  no(demo + R"(TIGHTEN","limit":"wal","value":"1s")", 422, "no limit `wal`");
  no(demo + R"(TIGHTEN","limit":"wall","value":"soon")", 422,
     "`wall`: `soon` does not start with a number");
  no(demo + R"(TIGHTEN","limit":"wall","value":"2h")", 422, "is not tighter");
  no(demo + R"(TIGHTEN","limit":"memory","value":"8MiB","urgent":true)", 422, "only `wall`");
  no(demo + R"(BLOCK","for_s":"99999999999")", 422, "a year");
  EXPECT_EQ(controls_.size(), 0u);
  EXPECT_EQ(audited_.entries.size(), 14u);
}

TEST_F(ControlServiceTest, TheKillSwitchEndsWhatMatchesAndADryRunDoesNot) {
  Publish();
  auto running = Send("POST /canvases/demo/run/GET%20%2Fhello%2F%3Aname");
  ASSERT_TRUE(Until([&] { return runs_.CountsOf("demo").running == 1; }));
  ExpectNo(Ask("DELETE /runs?canvas=demo"), 400, "a reason is needed");
  Reply reply = Ask("DELETE /runs?canvas=demo&dry_run=1", "abuse");
  EXPECT_EQ(reply.body["runs"].size(), 1u);
  EXPECT_EQ(Ask("DELETE /runs?canvas=other", "abuse").body["runs"].size(), 0u);
  EXPECT_EQ(Ask("DELETE /runs?caller=10.0.0.1", "abuse").body["runs"].size(), 0u);
  EXPECT_EQ(Ask("DELETE /runs?handler=GET%20%2F", "abuse").body["runs"].size(), 0u);
  EXPECT_EQ(runs_.live(), 1u);
  auto by_code = Send("DELETE /runs?code_hash=9f", "abuse");
  ASSERT_TRUE(Until([&] { return !journal_.questions.empty(); }));
  EXPECT_EQ(journal_.questions[0].question.find_code().revisions_size(), 1);
  Answer(proto::FromWriter());
  EXPECT_EQ(Wait(*by_code).body["runs"].size(), 0u);
  EXPECT_EQ(runs_.live(), 1u);
  reply = Ask("DELETE /runs?canvas=demo", "abuse");
  EXPECT_EQ(reply.body["runs"].size(), 1u);
  EXPECT_EQ(runs_.live(), 0u);
  EXPECT_TRUE(std::any_of(audited_.entries.begin(), audited_.entries.end(), [](const auto& entry) {
    return entry.action() == "kill_all" && entry.outcome() == "killed 1 runs";
  }));
  EXPECT_EQ(journal_.ended.back().verdict(), proto::VERDICT_OPERATOR);
  EXPECT_THAT(journal_.ended.back().detail(), EndsWith("abuse"));
}

}  // namespace
}  // namespace nightjar::testing
