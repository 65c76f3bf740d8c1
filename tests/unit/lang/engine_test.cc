// The engine as a worker uses it: compile, load, run; requests, responses, limits, traces.
#include <gmock/gmock.h>

#include <atomic>
#include <fstream>
#include <sstream>
#include <thread>

#include "ipc/core/bounds.h"
#include "ipc/proto/program.pb.h"
#include "tests/unit/lang/engine_rig.h"

namespace nightjar {
namespace {

using testing::EngineRig;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string HeaderOf(const RunOutcome& outcome, const std::string& name) {
  for (const proto::Header& header : outcome.headers)
    if (header.name() == name) return header.value();
  return "";
}

std::string Example(const std::string& name) {
  std::ifstream file(std::string(NIGHTJAR_EXAMPLES) + "/" + name);
  EXPECT_TRUE(file) << name;
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// A program whose one expression is a field of a field of a field ..., as bytes; built from the
// inside, backwards.
std::string DeepProgram(int levels) {
  std::string backwards;
  auto wrap = [&](char tag) {
    std::string head(1, tag);
    for (size_t size = backwards.size();; size >>= 7) {
      head += static_cast<char>((size & 0x7f) | (size > 0x7f ? 0x80 : 0));
      if (size <= 0x7f) break;
    }
    backwards.append(head.rbegin(), head.rend());
  };
  for (int i = 0; i < levels; ++i) {
    wrap(0x0a);  // FieldAccess.object
    wrap(0x6a);  // Expr.field_access
  }
  wrap(0x2a);               // HandlerDef.body
  wrap(0x12);               // Program.handlers
  backwards += "\x01\x08";  // Program.format
  return {backwards.rbegin(), backwards.rend()};
}

TEST(EngineTest, SaysWhatIsWrongAndMakesNoProgram) {
  CompileOutcome outcome = CreateDarkEngine()->Compile("a.dark", "[repl A]\nlet x =\n");
  EXPECT_TRUE(outcome.program.empty());
  ASSERT_EQ(outcome.diagnostics.size(), 1u);
  EXPECT_FALSE(outcome.diagnostics[0].warning());
}

TEST(EngineTest, WarnsOfUnknownNamesWithWhatIsNear) {
  CompileOutcome outcome = CreateDarkEngine()->Compile(
      "a.dark", "[repl A]\nlet x = 1\n[Strin.lenght_v1 \"a\"; Dict.get_v9 {} \"a\"; y]\n");
  EXPECT_FALSE(outcome.program.empty());
  ASSERT_EQ(outcome.diagnostics.size(), 3u);
  EXPECT_TRUE(outcome.diagnostics[0].warning());
  EXPECT_THAT(outcome.diagnostics[0].message(), HasSubstr("did you mean `String.length_v1`?"));
  EXPECT_EQ(outcome.diagnostics[0].line(), 3u);
  EXPECT_EQ(outcome.diagnostics[0].column(), 2u);
  EXPECT_THAT(outcome.diagnostics[1].message(), HasSubstr("did you mean `Dict.get_v2`?"));
  EXPECT_THAT(outcome.diagnostics[2].message(), HasSubstr("no variable `y`"));
}

TEST(EngineTest, RefusesFilesThatAreTooLarge) {
  CompileOutcome outcome =
      CreateDarkEngine()->Compile("a.dark", std::string(bounds::kSourceBytes + 1, ' '));
  ASSERT_EQ(outcome.diagnostics.size(), 1u);
  EXPECT_THAT(outcome.diagnostics[0].message(), HasSubstr("at most 4 MiB"));
}

TEST(EngineTest, RefusesWhatNoCompileRunMade) {
  auto engine = CreateDarkEngine();
  EXPECT_EQ(engine->Load("nonsense").error().code, ErrorCode::kProtocol);
  proto::Program program;
  program.set_format(99);
  EXPECT_EQ(engine->Load(program.SerializeAsString()).error().code, ErrorCode::kUnsupported);
  program.set_format(1);
  program.add_handlers()->mutable_body();
  EXPECT_EQ(engine->Load(program.SerializeAsString()).error().code, ErrorCode::kProtocol);
  EXPECT_EQ(engine->Load(DeepProgram(100'000)).error().code, ErrorCode::kProtocol);
}

TEST(EngineTest, LoadsTheDeepestProgramThatItCompiles) {
  EngineRig rig;
  std::string nested;
  for (int i = 0; i < 490; ++i) nested += "Just (";
  EXPECT_EQ(rig.Eval("let x = " + nested + "1" + std::string(490, ')') + " in 2"), "2");
  std::string chain = "1";
  for (int i = 0; i < 490; ++i) chain += " + 1";
  EXPECT_EQ(rig.Eval(chain), "491");
}

TEST(EngineTest, GivesPlainValuesAsJson) {
  EngineRig rig;
  rig.Load("[http-handler GET /]\n{ a = [1; 2]; b = Just \"x\" }\n");
  RunOutcome outcome = rig.Run("GET /");
  EXPECT_EQ(outcome.status, 200u);
  EXPECT_EQ(HeaderOf(outcome, "Content-Type"), "application/json; charset=utf-8");
  EXPECT_EQ(outcome.body, "{\n  \"a\": [1,2\n  ],\n  \"b\": \"x\"\n}");
  rig.Load("[http-handler GET /]\n\"text\"\n");
  EXPECT_EQ(HeaderOf(rig.Run("GET /"), "Content-Type"), "text/plain; charset=utf-8");
}

TEST(EngineTest, GivesResponsesAsTheProgramSaysThem) {
  EngineRig rig;
  rig.Load(
      "[http-handler GET /]\nHttp.responseWithHeaders_v0 \"<b>hi</b>\" { ``Content-Type`` = "
      "\"text/html\"; ``X-A`` = \"1\" } 201\n");
  RunOutcome outcome = rig.Run("GET /");
  EXPECT_EQ(outcome.status, 201u);
  EXPECT_EQ(outcome.body, "<b>hi</b>");
  EXPECT_EQ(HeaderOf(outcome, "X-A"), "1");
  rig.Load("[http-handler GET /]\nHttp.redirectTo_v0 \"http://example.com/\"\n");
  outcome = rig.Run("GET /");
  EXPECT_EQ(outcome.status, 302u);
  EXPECT_EQ(HeaderOf(outcome, "Location"), "http://example.com/");
  rig.Load("[http-handler GET /]\nHttp.response_v0 1 99999\n");
  EXPECT_TRUE(rig.Run("GET /").program_error);
}

TEST(EngineTest, SaysThatAProgramIsInvalidOrNotComplete) {
  EngineRig rig;
  rig.Load("[http-handler GET /]\n1 / 0\n");
  RunOutcome outcome = rig.Run("GET /");
  EXPECT_EQ(outcome.status, 500u);
  EXPECT_TRUE(outcome.program_error);
  EXPECT_THAT(outcome.body, StartsWith("Application error: the executed program was invalid."));
  EXPECT_THAT(outcome.error, HasSubstr("/ was called with a Int"));
  rig.Load("[http-handler GET /]\n");
  outcome = rig.Run("GET /");
  EXPECT_TRUE(outcome.program_error);
  EXPECT_THAT(outcome.body, StartsWith("Application error: the executed code was not complete."));
}

// A client that is sent 1xx waits for the real answer.
TEST(EngineTest, AStatusThatCannotEndAResponseIsTheProgramsMistake) {
  for (const char* status : {"0", "99", "100", "199", "1000", "-200"}) {
    EngineRig rig;
    rig.Load(std::string("[http-handler GET /]\nHttp.response_v0 \"x\" ") + status + "\n");
    RunOutcome outcome = rig.Run("GET /");
    EXPECT_EQ(outcome.status, 500u) << status;
    EXPECT_TRUE(outcome.program_error) << status;
    EXPECT_THAT(outcome.error, HasSubstr(status));
  }
  for (uint32_t status : {200u, 418u, 600u, 999u}) {
    EngineRig rig;
    rig.Load("[http-handler GET /]\nHttp.response_v0 \"x\" " + std::to_string(status) + "\n");
    EXPECT_EQ(rig.Run("GET /").status, status);
  }
}

TEST(EngineTest, ReadsBodiesByTheirType) {
  EngineRig rig;
  rig.Load("[http-handler POST /]\n[request.body; request.jsonBody; request.formBody]\n");
  rig.AddHeader("Content-Type", "application/json; charset=UTF-8");
  rig.body = "// a comment\n{\"a\": 1}";
  EXPECT_EQ(rig.Run("POST /").body,
            "[\n  {\n    \"a\": 1\n  },\n  {\n    \"a\": 1\n  },\n  null\n]");
  rig.request.mutable_headers(0)->set_value("application/x-www-form-urlencoded");
  rig.body = "a=1%24&b+c=2";
  EXPECT_EQ(rig.Run("POST /").body,
            "[\n  {\n    \"a\": \"1$\",\n    \"b c\": \"2\"\n  },\n  null,\n  {\n    \"a\": "
            "\"1$\",\n    \"b c\": \"2\"\n  }\n]");
  rig.request.mutable_headers(0)->set_value("text/plain");
  EXPECT_EQ(rig.Run("POST /").body, "[\n  \"a=1%24&b+c=2\",\n  null,\n  null\n]");
  rig.body = "[1]";
  EXPECT_EQ(rig.Run("POST /").body, "[\n  [1\n  ],\n  null,\n  null\n]") << "text that is JSON";
}

TEST(EngineTest, TakesACookieThatIsThereTwiceForAnError) {
  EngineRig rig;
  rig.Load("[http-handler GET /]\nrequest.cookies\n");
  rig.AddHeader("Cookie", "a=1+2; b=2; c");
  EXPECT_EQ(rig.Run("GET /").body, "{\n  \"a\": \"1 2\",\n  \"b\": \"2\"\n}");
  rig.request.mutable_headers(0)->set_value("a=1; a=2");
  RunOutcome outcome = rig.Run("GET /");
  EXPECT_EQ(outcome.status, 500u);
  EXPECT_EQ(outcome.error, "Duplicate key: a");
}

TEST(EngineTest, GivesAndTakesBytesWhereAHandlerWorksOnThem) {
  EngineRig rig;
  rig.Load(
      "[http-bytes-handler POST /]\n"
      "Http.responseWithHeaders request.body { ``X-Seen`` = toString request.headers } 201\n");
  rig.AddHeader("X-Many", "1");
  rig.AddHeader("x-many", "2");
  rig.body = std::string("\xff\x00\xfe", 3);
  RunOutcome outcome = rig.Run("POST /");
  EXPECT_EQ(outcome.status, 201u);
  EXPECT_EQ(outcome.body, rig.body);
  ASSERT_EQ(outcome.headers.size(), 1u);
  EXPECT_EQ(outcome.headers[0].name(), "x-seen");
  EXPECT_THAT(outcome.headers[0].value(), HasSubstr("(\"x-many\", \"2\")"));
  rig.Load("[http-bytes-handler POST /]\n\"text\"\n");
  outcome = rig.Run("POST /");
  EXPECT_EQ(outcome.status, 500u);
  EXPECT_THAT(outcome.body, HasSubstr("did not result in a redirect or bytes response"));
  EXPECT_TRUE(outcome.program_error);
}

TEST(EngineTest, KeepsSecretsOutOfTracesAndMessages) {
  EngineRig rig;
  rig.Load(
      "[secrets API_KEY:hunter2,OTHER:swordfish]\n"
      "[http-handler GET /]\nlet header = \"Bearer \" ++ API_KEY in header ++ OTHER\n");
  EXPECT_EQ(rig.Run("GET /").body, "\"Bearer hunter2swordfish\"");
  EXPECT_FALSE(rig.events.empty());
  for (const proto::TraceEvent& event : rig.events) {
    EXPECT_EQ(event.DebugString().find("hunter2"), std::string::npos) << event.DebugString();
    EXPECT_EQ(event.DebugString().find("swordfish"), std::string::npos) << event.DebugString();
  }
  EXPECT_NE(rig.events[1].DebugString().find("Bearer <secret>"), std::string::npos);
  rig.Load("[secrets API_KEY:hunter2]\n[http-handler GET /]\n1 + API_KEY\n");
  EXPECT_THAT(rig.Run("GET /").error, HasSubstr("<secret>"));
}

TEST(EngineTest, RefusesBodiesThatAreNotWhatTheySay) {
  EngineRig rig;
  rig.Load("[http-handler POST /]\n1\n");
  rig.AddHeader("Content-Type", "application/json");
  rig.body = "{ nope";
  RunOutcome outcome = rig.Run("POST /");
  EXPECT_EQ(outcome.status, 400u);
  EXPECT_EQ(outcome.body, "Invalid json: { nope");
  EXPECT_FALSE(outcome.program_error);
  rig.body = std::string(100'000, '[');
  EXPECT_EQ(rig.Run("POST /").status, 400u);
  rig.request.clear_headers();
  outcome = rig.Run("POST /");
  EXPECT_THAT(outcome.body, StartsWith("Unknown Content-type"));
  EXPECT_TRUE(outcome.request_refused);
}

TEST(EngineTest, GivesHeadersCookiesQueryAndRouteVariables) {
  EngineRig rig;
  rig.Load(
      "[http-handler GET /:name]\n"
      "[name; request.headers.host; request.cookies.a; request.queryParams.x; request.url]\n");
  rig.AddHeader("HOST", " here ");
  rig.AddHeader("Cookie", "a=1; b; c=%20");
  rig.request.set_query("x=first&x=se%20cond&y");
  rig.request.set_url("http://here/me?x=1");
  proto::Header& variable = *rig.request.add_route_vars();
  variable.set_name("name");
  variable.set_value(
      "m\xff"
      "e");
  EXPECT_EQ(rig.Run("GET /:name").body,
            "[\n  \"m\ufffde\",\n  \"here\",\n  \"1\",\n  \"se cond\",\n  "
            "\"http://here/me?x=1\"\n]");
}

TEST(EngineTest, GivesEventsToTheOtherHandlers) {
  EngineRig rig;
  rig.Load("[worker Mail]\nevent.to\n[repl Try]\nevent\n");
  EXPECT_EQ(rig.RunEvent("Mail", "{\"to\": \"ada\"}").body, "\"ada\"");
  EXPECT_EQ(rig.RunEvent("Try", "").body, "null");
  EXPECT_TRUE(rig.RunEvent("Try", "{").program_error);
}

TEST(EngineTest, StopsAtItsOwnLimits) {
  EngineRig rig;
  rig.Load(Example("runaways.dark"));
  RunOutcome outcome = rig.Run("GET /recursion");
  EXPECT_EQ(outcome.limit_hit, proto::SELF_LIMIT_CALL_DEPTH);
  EXPECT_EQ(outcome.measured, 1001u);
  EXPECT_EQ(rig.events.back().kind_case(), proto::TraceEvent::kCall) << "its calls stay open";

  outcome = rig.Run("GET /output");
  EXPECT_EQ(outcome.limit_hit, proto::SELF_LIMIT_OUTPUT);
  EXPECT_GT(outcome.measured, rig.limits.output_bytes_max());
  EXPECT_TRUE(outcome.body.empty());

  EXPECT_EQ(rig.Run("GET /fine").body, "\"fine\"") << "a run leaves nothing to the next";

  rig.limits.set_trace_overflow_kills(true);
  rig.limits.set_trace_bytes_max(8192);
  rig.Load("[http-handler GET /]\nList.map_v0 (List.range_v0 1 10000) (fun x -> x + 1)\n");
  EXPECT_EQ(rig.Run("GET /").limit_hit, proto::SELF_LIMIT_TRACE);
}

TEST(EngineTest, CountsStepsAndStopsAtTheirLimit) {
  EngineRig rig;
  rig.Load(
      "[http-handler GET /]\nList.map_v0 (List.range_v0 1 10) (fun x -> if x > 5 then x + 1 else "
      "0)\n");
  RunOutcome outcome = rig.Run("GET /");
  EXPECT_EQ(outcome.status, 200u);
  // range, map; ten times the lambda, the comparison and the branch; five additions.
  EXPECT_EQ(outcome.steps, 2u + 10 * 3 + 5);
  rig.limits.set_steps_max(outcome.steps);
  EXPECT_EQ(rig.Run("GET /").status, 200u);
  for (uint64_t trace_bytes : {uint64_t{0}, uint64_t{1} << 19}) {
    rig.limits.set_trace_bytes_max(trace_bytes);
    rig.limits.set_steps_max(20);
    outcome = rig.Run("GET /");
    EXPECT_EQ(outcome.limit_hit, proto::SELF_LIMIT_STEPS);
    EXPECT_EQ(outcome.measured, 21u);
    EXPECT_EQ(outcome.steps, 21u);
  }
}

TEST(EngineTest, StopsAtTheNextStepWhenItIsAskedTo) {
  EngineRig rig;
  rig.Load(Example("runaways.dark"));
  std::atomic<bool> stopped = false;
  std::thread asking([&] {  // a run that has not begun yet does not hear it
    while (!stopped) rig.engine->AskToStop(proto::SELF_LIMIT_WALL);
  });
  RunOutcome outcome = rig.Run("GET /spin");
  stopped = true;
  asking.join();
  EXPECT_EQ(outcome.limit_hit, proto::SELF_LIMIT_WALL);
  EXPECT_GT(outcome.steps, 0u);
  // The next run is not stopped by what was asked of this one.
  EXPECT_EQ(rig.Run("GET /fine").status, 200u);
}

TEST(EngineTest, StopsAtTheMemoryThatItsValuesMayHave) {
  EngineRig rig;
  rig.limits.set_value_bytes_max(8 << 20);
  rig.Load(Example("runaways.dark"));
  for (const char* handler : {"GET /list", "GET /string"}) {
    RunOutcome outcome = rig.Run(handler);
    EXPECT_EQ(outcome.limit_hit, proto::SELF_LIMIT_MEMORY) << handler;
    EXPECT_GT(outcome.measured, 8u << 20) << handler;
    EXPECT_LE(outcome.value_bytes, 8u << 20) << handler;
  }
  EXPECT_EQ(rig.Run("GET /fine").status, 200u);
  EXPECT_GT(rig.Run("GET /fine").value_bytes, 0u);
}

TEST(EngineTest, StopsBeforeItMakesTextOfOneTextManyTimes) {
  EngineRig rig;
  rig.limits.set_value_bytes_max(8 << 20);
  const std::string text = "(String.padStart_v0 \"\" \"x\" 1000000)";
  rig.Load("[http-handler GET /join]\nString.join_v0 (List.repeat_v0 100000 " + text +
           ") \"\"\n[http-handler GET /replace]\nString.replaceAll_v0 " + text + " \"x\" " + text +
           "\n[http-handler GET /pad]\nString.padEnd_v0 \"\" \"x\" 100000000000\n");
  for (const char* handler : {"GET /join", "GET /replace", "GET /pad"}) {
    RunOutcome outcome = rig.Run(handler);
    EXPECT_EQ(outcome.limit_hit, proto::SELF_LIMIT_MEMORY) << handler;
    EXPECT_GT(outcome.measured, 100'000'000'000u) << handler;
  }
}

TEST(EngineTest, NeverRunsOutOfStack) {
  EngineRig rig;
  rig.limits.set_call_depth_max(1'000'000'000);
  rig.limits.set_trace_bytes_max(0);
  rig.Load(Example("runaways.dark"));
  RunOutcome outcome = rig.Run("GET /recursion");
  EXPECT_EQ(outcome.limit_hit, proto::SELF_LIMIT_CALL_DEPTH);
  EXPECT_GT(outcome.measured, 1000u);

  // A value that is nested as deep as there is memory for.
  rig.Load(
      "[http-handler GET /]\n"
      "List.fold_v0 (List.range_v0 1 300000) [] (fun deep n -> [deep])\n"
      "[http-handler GET /equal]\n"
      "let deep = fun x -> List.fold_v0 (List.range_v0 1 300000) [] (fun deep n -> [deep])\n"
      "(1 |> deep) == (2 |> deep)\n");
  EXPECT_EQ(rig.Run("GET /").limit_hit, proto::SELF_LIMIT_OUTPUT) << "its indentation is larger";
  EXPECT_EQ(rig.Run("GET /equal").limit_hit, proto::SELF_LIMIT_CALL_DEPTH);
}

TEST(EngineTest, EndsProgramsThatAskForMoreMemoryThanThereIs) {
  EngineRig rig;
  EXPECT_THAT(rig.ErrorOf("List.range_v0 1 9000000000000000000"), HasSubstr("more memory"));
  EXPECT_THAT(rig.ErrorOf("List.range_v0 -9000000000000000000 9000000000000000000"),
              HasSubstr("more memory"));
  EXPECT_THAT(rig.ErrorOf("String.padStart_v0 \"a\" \"b\" 9000000000000000000"),
              HasSubstr("more memory"));
}

TEST(EngineTest, TracesCallsBranchesAndTheirValues) {
  EngineRig rig;
  rig.Load(
      "[fn twice n:Int -> Int]\nn * 2\n"
      "[http-handler GET /]\nif true then List.map_v0 [1; 2] (fun x -> twice x) else []\n");
  rig.Run("GET /");
  std::string told;
  for (const proto::TraceEvent& event : rig.events) {
    if (event.has_run_start()) told += "start ";
    if (event.has_branch()) told += "branch" + std::to_string(event.branch().arm()) + " ";
    if (event.has_call() && event.call().kind() == proto::CALL_KIND_LAMBDA) told += "lambda ";
    if (event.has_call() && !event.call().fn().empty()) told += event.call().fn() + " ";
    if (event.has_call() && event.call().has_result())
      told += "= " + std::to_string(event.call().result().int_()) + " ";
    if (event.has_return_()) told += "return ";
    if (event.has_run_end()) told += "end";
  }
  EXPECT_EQ(told,
            "start branch1 List::map lambda twice * = 2 return return lambda twice * = 4 return "
            "return return end");
}

TEST(EngineTest, RecordsNothingWhenTracingIsOff) {
  EngineRig rig;
  rig.limits.set_trace_bytes_max(0);
  EXPECT_EQ(rig.Eval("List.map_v0 [1] (fun x -> x + 1)"), "[2\n]");
  EXPECT_TRUE(rig.events.empty());
}

TEST(ExamplesTest, CompileWithoutAWord) {
  for (const char* name : {"api.dark", "prose.dark", "runaways.dark"}) {
    CompileOutcome outcome = CreateDarkEngine()->Compile(name, Example(name));
    EXPECT_FALSE(outcome.program.empty()) << name;
    for (const proto::Diagnostic& diagnostic : outcome.diagnostics)
      ADD_FAILURE() << name << ":" << diagnostic.line() << " " << diagnostic.message();
  }
}

TEST(ExamplesTest, AnswerAsTheirCommentsSay) {
  EngineRig rig;
  rig.limits.set_trace_bytes_max(0);
  rig.Load(Example("api.dark"));
  EXPECT_EQ(rig.Run("GET /hello").body, "\"hello\"");
  EXPECT_THAT(rig.Run("GET /fizzbuzz").body, HasSubstr("\"14\",\n  \"FizzBuzz\",\n  \"16\""));
  proto::Header& variable = *rig.request.add_route_vars();
  variable.set_name("n");
  variable.set_value("20");
  EXPECT_EQ(rig.Run("GET /fib/:n").body, "{\n  \"fib\": 6765,\n  \"n\": 20\n}");
  variable.set_value("many");
  EXPECT_EQ(rig.Run("GET /fib/:n").status, 400u);
  variable.set_name("disks");
  variable.set_value("3");
  EXPECT_THAT(rig.Run("GET /hanoi/:disks").body, HasSubstr("\"count\": 7"));
  variable.set_name("start");
  variable.set_value("27");
  EXPECT_THAT(rig.Run("GET /collatz/:start").body, HasSubstr("\"steps\": 111"));
  variable.set_value("x");
  EXPECT_EQ(rig.Run("GET /collatz/:start").status, 404u);
  variable.set_name("name");
  variable.set_value("Mars");
  EXPECT_THAT(rig.Run("GET /planets/:name").body, HasSubstr("\"moons\": 2"));
  rig.AddHeader("Content-Type", "application/json");
  rig.body = R"({"customer": "Ada", "items": [{"name": "tea", "cents": 350, "quantity": 2}]})";
  EXPECT_THAT(rig.Run("POST /orders").body, HasSubstr("\"totalCents\": 700"));
}

TEST(ExamplesTest, ProseIsCounted) {
  EngineRig rig;
  rig.Load(Example("prose.dark"));
  rig.AddHeader("Content-Type", "text/plain");
  for (int i = 0; i < 1500; ++i)
    rig.body += "It was the best of times. Was it the worst?\nOf times, the age of wisdom! ";
  RunOutcome outcome = rig.Run("POST /analyse");
  EXPECT_EQ(outcome.status, 200u) << outcome.error;
  EXPECT_THAT(outcome.body, HasSubstr("\"words\": 24000"));
  EXPECT_THAT(outcome.body, HasSubstr("\"sentences\": 4500"));
  EXPECT_THAT(outcome.body, HasSubstr("\"longestWord\": \"wisdom\""));
  EXPECT_THAT(outcome.body, HasSubstr("\"times\": 4500,\n      \"word\": \"of\""));
}

}  // namespace
}  // namespace nightjar
