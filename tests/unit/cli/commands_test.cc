// Whole commands against a supervisor that is not there, or a fake one.
#include "supervisor/cli/commands.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>

#include "supervisor/cli/command_line.h"
#include "supervisor/cli/serve_arguments.h"
#include "tests/unit/cli/fake_supervisor.h"

namespace nightjar::cli {
namespace {

using testing::HasSubstr;

struct Ended {
  int code = 0;
  std::string out;
  std::string err;
};

Ended RunNightjar(std::vector<std::string> words) {
  words.insert(words.begin(), "nightjar");
  std::vector<const char*> argv;
  for (const std::string& word : words) argv.push_back(word.c_str());
  std::ostringstream out;
  std::ostringstream err;
  auto parsed = ParseCommandLine(static_cast<int>(argv.size()), argv.data(), out, err);
  int code = 0;
  if (int* early = std::get_if<int>(&parsed)) {
    code = *early;
  } else {
    Terminal terminal{.out = out, .err = err, .paint = Paint()};
    Session session(std::get<CommandLine>(parsed), terminal);
    code = Dispatch(session);
  }
  return {code, out.str(), err.str()};
}

constexpr char kId[] = "fe6c1a2b-0000-4000-8000-000000000001";

TEST(CommandsTest, SaysWhatToDoWhenNobodyListens) {
  TempDir dir;
  Ended ended = RunNightjar({"ps", "--state", dir.path()});
  EXPECT_EQ(ended.code, kUnreachable);
  EXPECT_EQ(ended.out, "");
  EXPECT_EQ(ended.err, "nightjar: nothing listens on " + dir.path() +
                           "/control.sock: is `nightjar serve` running, and is --state right?\n");
  ended = RunNightjar({"ps", "--state", "/" + std::string(200, 'x')});
  EXPECT_EQ(ended.code, kUsage);
  EXPECT_THAT(ended.err, HasSubstr("too long for a socket's path"));
}

TEST(CommandsTest, WrongUsageIsTold) {
  EXPECT_EQ(RunNightjar({}).code, kUsage);
  Ended ended = RunNightjar({"depoy", "demo", "file"});
  EXPECT_EQ(ended.code, kUsage);
  EXPECT_EQ(ended.err, "nightjar: there is no command `depoy`; `nightjar --help` lists them\n");
  EXPECT_EQ(RunNightjar({"deploy", "demo"}).code, kUsage);
  EXPECT_EQ(RunNightjar({"traces", "demo", "-n", "0"}).code, kUsage);
  EXPECT_EQ(RunNightjar({"ps", "--color", "sometimes"}).code, kUsage);
  EXPECT_EQ(RunNightjar({"--version"}).code, kOk);
  EXPECT_EQ(RunNightjar({"trace", "--help"}).code, kOk);
}

TEST(CommandsTest, DeploySendsTheFileAndSaysWhatIsLive) {
  FakeSupervisor fake;
  std::string file = fake.state() + "/my canvas.dark";
  std::ofstream(file) << "[http-handler GET /]\n1\n";
  fake.On("PUT /canvases/demo?file=my%20canvas.dark",
          {200, R"({"canvas":"demo","revision":"2","total_us":"900","compile_us":"500",
                    "handlers":[{"kind":"HANDLER_KIND_HTTP","name":"GET /"}],"new_field":1})"});
  Ended ended = RunNightjar({"deploy", "demo", file, "--state", fake.state()});
  EXPECT_EQ(ended.code, kOk) << ended.err;
  EXPECT_EQ(
      ended.out,
      "demo revision 2 is live: 1 handler, took 900 us (compiled in 500 us)\n  http  GET /\n");
  ASSERT_EQ(fake.requests().size(), 1u);
  EXPECT_EQ(fake.requests()[0].body, "[http-handler GET /]\n1\n");
}

TEST(CommandsTest, DeployShowsWhereTheFileIsWrong) {
  FakeSupervisor fake;
  std::string file = fake.state() + "/bad.dark";
  std::ofstream(file) << "let\n";
  fake.On("PUT /canvases/demo?file=bad.dark",
          {422, R"({"error":"the file has errors","diagnostics":[
                    {"line":1,"column":4,"message":"a name is missing","source_line":"let"}]})"});
  Ended ended = RunNightjar({"deploy", "demo", file, "--state", fake.state()});
  EXPECT_EQ(ended.code, kNo);
  EXPECT_EQ(ended.out, "");
  EXPECT_EQ(ended.err, file +
                           ":1:4: error: a name is missing\n  let\n     ^\nnightjar: 1 error in " +
                           file + "; what was deployed before keeps serving\n");
}

TEST(CommandsTest, DeployWithoutAFileNeverAsks) {
  FakeSupervisor fake;
  Ended ended = RunNightjar({"deploy", "demo", fake.state() + "/none", "--state", fake.state()});
  EXPECT_EQ(ended.code, kUsage);
  EXPECT_THAT(ended.err, HasSubstr("No such file"));
  EXPECT_EQ(RunNightjar({"deploy", "demo", fake.state(), "--state", fake.state()}).code, kUsage);
  EXPECT_TRUE(fake.requests().empty());
}

TEST(CommandsTest, RunPrintsTheBodyAndTellsTheRest) {
  FakeSupervisor fake;
  // The body is base64 in JSON: "hi" and an escape that a file may have.
  fake.On("POST /canvases/demo/run/GET%20%2Fhello",
          {200, R"({"run_id":"r1","verdict":"VERDICT_FINISHED","status":200,"body":"aGkb",
                    "usage":{"wall_us":"1500","cpu_us":"900"}})"});
  Ended ended = RunNightjar({"run", "demo", "GET /hello", "--state", fake.state()});
  EXPECT_EQ(ended.code, kOk) << ended.err;
  EXPECT_EQ(ended.out, "hi\x1b");
  EXPECT_EQ(ended.err, "finished 200 in 1.50 ms (cpu 900 us), run r1\n");
}

TEST(CommandsTest, ARunThatWasKilledIsANo) {
  FakeSupervisor fake;
  std::string input = fake.state() + "/input.json";
  std::ofstream(input) << "{}";
  fake.On(
      "POST /canvases/demo/run/Work",
      {200, R"({"run_id":"r1","verdict":"VERDICT_CPU_TIME","status":500,"detail":"too much"})"});
  Ended ended = RunNightjar({"--state", fake.state(), "run", "demo", "Work", "--input", input});
  EXPECT_EQ(ended.code, kNo);
  EXPECT_THAT(ended.err, HasSubstr("cpu_time 500"));
  EXPECT_THAT(ended.err, HasSubstr("too much"));
  EXPECT_EQ(fake.requests()[0].body, "{}");
}

TEST(CommandsTest, KillCompletesACutId) {
  FakeSupervisor fake;
  fake.On("GET /runs", {200, std::string(R"({"runs":[{"run_id":")") + kId + R"("}]})"});
  fake.On(std::string("DELETE /runs/") + kId,
          {200, std::string(R"({"run_id":")") + kId +
                    R"(","verdict":"VERDICT_OPERATOR","took_us":"700"})"});
  Ended ended = RunNightjar({"kill", "fe6c1a2b", "--state", fake.state()});
  EXPECT_EQ(ended.code, kOk) << ended.err;
  EXPECT_EQ(ended.out, std::string(kId) + " is gone after 700 us, verdict operator\n");
  ended = RunNightjar({"kill", "abcdef12", "--state", fake.state()});
  EXPECT_EQ(ended.code, kNo);
  EXPECT_THAT(ended.err, HasSubstr("nothing listed"));
}

TEST(CommandsTest, EvidenceIsAskedForByItsWholeId) {
  FakeSupervisor fake;
  std::string row = std::string(R"([{"run_id":")") + kId + R"("}])";
  fake.On("GET /canvases/demo/traces?n=1000", {200, "{\"traces\":" + row + "}"});
  fake.On(std::string("GET /canvases/demo/traces/") + kId,
          {200, R"({"row":{"canvas":"demo","verdict":"VERDICT_FINISHED"}})"});
  fake.On(std::string("GET /incidents/") + kId,
          {200, R"({"canvas":"demo","handler":"GET /","verdict":"VERDICT_MEMORY"})"});
  EXPECT_EQ(RunNightjar({"trace", "demo", "fe6c1a", "--state", fake.state()}).code, kOk);
  Ended ended = RunNightjar({"incident", kId, "--state", fake.state()});
  EXPECT_EQ(ended.code, kOk) << ended.err;
  EXPECT_THAT(ended.out, HasSubstr("demo GET / was killed, memory"));
  EXPECT_EQ(fake.requests().size(), 3u);  // no list for an id that is whole
}

TEST(CommandsTest, ATraceIsPrintedForOtherPrograms) {
  FakeSupervisor fake;
  fake.On(std::string("GET /canvases/demo/traces/") + kId,
          {200, std::string(R"({"row":{"run_id":")") + kId +
                    R"(","canvas":"demo","verdict":"VERDICT_FINISHED"}})"});
  Ended ended = RunNightjar({"trace", "demo", kId, "--format", "otlp", "--state", fake.state()});
  EXPECT_EQ(ended.code, kOk) << ended.err;
  EXPECT_THAT(ended.out, HasSubstr(R"("traceId":"fe6c1a2b000040008000000000000001")"));
  ended = RunNightjar({"trace", "demo", kId, "--format", "chrome", "--state", fake.state()});
  EXPECT_EQ(ended.code, kOk) << ended.err;
  EXPECT_THAT(ended.out, HasSubstr(R"({"traceEvents":[)"));
  EXPECT_EQ(fake.requests().size(), 2u);
  EXPECT_EQ(RunNightjar({"trace", "demo", kId, "--format", "tree"}).code, kUsage);
  for (const char* format : {"otlp", "chrome"}) {
    ended = RunNightjar({"trace", "demo", kId, "--format", format, "--json"});
    EXPECT_EQ(ended.code, kUsage);
    EXPECT_THAT(ended.err, HasSubstr("--json excludes --format"));
    EXPECT_EQ(RunNightjar({"--json", "trace", "demo", kId, "--format", format}).code, kUsage);
  }
  EXPECT_EQ(fake.requests().size(), 2u);
}

TEST(CommandsTest, ATraceIsWrittenAsItIsStored) {
  FakeSupervisor fake;
  const std::string object("NJTRACE\n\0\xff", 10);
  fake.On(std::string("GET /canvases/demo/traces/") + kId, {200, object});
  TempDir dir;
  const std::string file = dir.path() + "/run.njt";
  Ended ended = RunNightjar({"trace", "demo", kId, "--object", file, "--state", fake.state()});
  EXPECT_EQ(ended.code, kOk) << ended.err;
  EXPECT_EQ(ended.out, "");
  std::ifstream written(file, std::ios::binary);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(written), {}), object);
  ended = RunNightjar({"trace", "demo", kId, "--object", "-", "--state", fake.state()});
  EXPECT_EQ(ended.out, object);
  ended = RunNightjar(
      {"trace", "demo", kId, "--object", dir.path() + "/no/x", "--state", fake.state()});
  EXPECT_EQ(ended.code, kNo);
  EXPECT_THAT(ended.err, HasSubstr("/no/x: No such file"));
  EXPECT_EQ(RunNightjar({"trace", "demo", kId, "--object", "-", "--json"}).code, kUsage);
}

class OpenWithTest : public ::testing::Test {
 protected:
  OpenWithTest() {
    fake_.On(std::string("GET /canvases/demo/traces/") + kId,
             {200, std::string(R"({"row":{"run_id":")") + kId +
                       R"(","canvas":"demo","verdict":"VERDICT_FINISHED"}})"});
    setenv("TMPDIR", dir_.path().c_str(), 1);
  }
  ~OpenWithTest() override { unsetenv("TMPDIR"); }

  Ended Open(const std::string& program, std::vector<std::string> more = {}) {
    std::vector<std::string> words = {"trace", "demo",    kId,          "--open-with",
                                      program, "--state", fake_.state()};
    words.insert(words.end(), more.begin(), more.end());
    return RunNightjar(words);
  }
  // A script that is given the file.
  std::string Program(const std::string& commands) {
    std::string path = programs_.path() + "/viewer";
    std::ofstream(path) << "#!/bin/sh\n" << commands << "\n";
    chmod(path.c_str(), 0700);
    return path;
  }
  std::string Seen() {
    std::ifstream file(programs_.path() + "/seen");
    return {std::istreambuf_iterator<char>(file), {}};
  }
  bool LeftNothing() { return std::filesystem::is_empty(dir_.path()); }

  FakeSupervisor fake_;
  TempDir dir_;
  TempDir programs_;
};

TEST_F(OpenWithTest, TheProgramSeesAFileThatIsGoneAfterwards) {
  Ended ended = Open(Program(R"(stat -c '%a %U' "$1" "${1%/*}" > "${0%/*}/seen"
echo "$# ${1##*/}" >> "${0%/*}/seen"
cat "$1" >> "${0%/*}/seen")"));
  EXPECT_EQ(ended.code, kOk) << ended.err;
  EXPECT_EQ(ended.out, "");
  EXPECT_THAT(Seen(), HasSubstr("600 "));
  EXPECT_THAT(Seen(), HasSubstr("\n700 "));
  EXPECT_THAT(Seen(), HasSubstr(std::string("\n1 trace-") + kId + ".json\n"));
  EXPECT_THAT(Seen(), HasSubstr(R"({"traceEvents":[)"));
  EXPECT_TRUE(LeftNothing());
  ended = Open(Program(R"(cat "$1" > "${0%/*}/seen")"), {"--format", "otlp"});
  EXPECT_EQ(ended.code, kOk) << ended.err;
  EXPECT_THAT(Seen(), HasSubstr("resourceSpans"));
}

TEST_F(OpenWithTest, AProgramThatFailsIsToldAndLeavesNoFileEither) {
  Ended ended = Open("no-such-viewer");
  EXPECT_EQ(ended.code, kNo);
  EXPECT_THAT(ended.err, HasSubstr("starting no-such-viewer: No such file"));
  // One word: no shell takes it apart.
  ended = Open("cat /etc/passwd");
  EXPECT_THAT(ended.err, HasSubstr("starting cat /etc/passwd: No such file"));
  ended = Open(Program("exit 7"));
  EXPECT_EQ(ended.code, kNo);
  EXPECT_THAT(ended.err, HasSubstr("viewer ended with status 7"));
  ended = Open(Program("kill -TERM $$"));
  EXPECT_THAT(ended.err, HasSubstr("viewer was ended by signal 15"));
  EXPECT_TRUE(LeftNothing());
  setenv("TMPDIR", "/no/such/folder", 1);
  EXPECT_THAT(Open("true").err, HasSubstr("making /no/such/folder/nightjar-"));
  EXPECT_EQ(Open("true", {"--json"}).code, kUsage);
  EXPECT_EQ(Open("true", {"--object", "-"}).code, kUsage);
}

TEST(CommandsTest, ATraceWithoutARunIsNoneOfOpenTelemetry) {
  FakeSupervisor fake;
  fake.On(std::string("GET /canvases/demo/traces/") + kId, {200, R"({"row":{"canvas":"demo"}})"});
  Ended ended = RunNightjar({"trace", "demo", kId, "--format", "otlp", "--state", fake.state()});
  EXPECT_EQ(ended.code, kNo);
  EXPECT_EQ(ended.out, "");
  EXPECT_THAT(ended.err, HasSubstr("names no run"));
}

TEST(CommandsTest, ListsPassTheirFiltersOn) {
  FakeSupervisor fake;
  fake.On("GET /canvases/demo/traces?n=5&verdict=wall_time&handler=GET%20%2Fx", {200, "{}"});
  fake.On("GET /incidents?canvas=demo", {200, "{}"});
  fake.On("GET /canvases/demo/404s?n=7", {200, "{}"});
  fake.On("GET /canvases/demo/limits?handler=GET%20%2Fx", {200, R"({"canvas":"demo"})"});
  EXPECT_EQ(RunNightjar({"traces", "demo", "-n", "5", "--verdict", "wall_time", "--handler",
                         "GET /x", "--state", fake.state()})
                .code,
            kOk);
  EXPECT_EQ(RunNightjar({"incidents", "demo", "--state", fake.state()}).code, kOk);
  EXPECT_EQ(RunNightjar({"404s", "demo", "-n", "7", "--state", fake.state()}).code, kOk);
  EXPECT_EQ(RunNightjar({"limits", "demo", "--handler", "GET /x", "--state", fake.state()}).code,
            kOk);
}

TEST(CommandsTest, UsageIsByCanvasUnlessOneIsAskedFor) {
  FakeSupervisor fake;
  fake.On("GET /usage?by=canvas", {200, R"({"since_unix_s":"0","until_unix_s":"3600"})"});
  fake.On("GET /usage?canvas=demo&since=2d&until=1h&by=hour",
          {200, R"({"rows":[{"canvas":"demo","begins_unix_s":"3600","used":{"cpu_us":"1500"}}],
                    "sum":{"cpu_us":"1500"},"since_unix_s":"3600","until_unix_s":"7200"})"});
  Ended ended = RunNightjar({"usage", "--state", fake.state()});
  EXPECT_EQ(ended.code, kOk) << ended.err;
  EXPECT_THAT(ended.out, HasSubstr("Nothing was used."));
  ended = RunNightjar({"usage", "demo", "--since", "2d", "--until", "1h", "--state", fake.state()});
  EXPECT_EQ(ended.code, kOk) << ended.err;
  EXPECT_THAT(ended.out, HasSubstr("demo    1970-01-01 01:00  1.50 ms"));
  EXPECT_EQ(RunNightjar({"usage", "--by", "week"}).code, kUsage);
}

TEST(CommandsTest, ARerunSaysWhatItRepeatsAndWhoAnswered) {
  const std::string id = "01234567-89ab-cdef-0123-456789abcdef";
  FakeSupervisor fake;
  fake.On("POST /canvases/demo/traces/" + id + "/rerun?revision=3&live=1",
          {200, R"({"verdict":"VERDICT_FINISHED","body":"aGk=","rerun_of":")" + id +
                    R"(","revision":"3","calls_answered":2,"calls_live":1})"});
  Ended ended =
      RunNightjar({"rerun", "demo", id, "--revision", "3", "--live", "--state", fake.state()});
  EXPECT_EQ(ended.code, kOk);
  EXPECT_EQ(ended.out, "hi");
  EXPECT_THAT(ended.err, HasSubstr("This does " + id +
                                   " again on revision 3; its trace answered 2 "
                                   "impure calls; it does not know 1 impure call, which was made"));
  EXPECT_EQ(RunNightjar({"rerun", "demo", id, "--revision", "none"}).code, kUsage);
}

TEST(CommandsTest, AFunctionIsRunWithACallsArgumentsOrOthers) {
  FakeSupervisor fake;
  const std::string path = std::string("POST /canvases/demo/traces/") + kId + "/functions/fib";
  const std::string patch = std::string(R"("patch":{"run_id":")") + kId + R"(","function":"fib")";
  fake.On(path + "?call=2&revision=", {200, R"({"verdict":"VERDICT_FINISHED","body":"aGk=",)" +
                                                patch + R"(,"call":"2"},"revision":"3"})"});
  Ended ended =
      RunNightjar({"run-function", "demo", kId, "fib", "--call", "2", "--state", fake.state()});
  EXPECT_EQ(ended.code, kOk) << ended.err;
  EXPECT_EQ(ended.out, "hi");
  EXPECT_THAT(ended.err, HasSubstr(std::string("This is call 2 of fib on revision 3; it is shown "
                                               "with trace ") +
                                   kId));
  fake.On(path + "?call=&revision=&live=1",
          {200, R"({"verdict":"VERDICT_FINISHED",)" + patch + R"(},"revision":"3"})"});
  ended = RunNightjar({"run-function", "demo", kId, "fib", "--arguments", "[7]", "--live",
                       "--state", fake.state()});
  EXPECT_EQ(ended.code, kOk) << ended.err;
  EXPECT_EQ(fake.requests()[1].body, "[7]");
  EXPECT_THAT(ended.err, HasSubstr("This is fib with other arguments on revision 3"));
  for (std::vector<std::string> wrong : {std::vector<std::string>{"--call", "0"},
                                         {"--call", "x"},
                                         {"--call", "1", "--arguments", "[]"}}) {
    std::vector<std::string> words = {"run-function", "demo", kId, "fib"};
    words.insert(words.end(), wrong.begin(), wrong.end());
    EXPECT_EQ(RunNightjar(words).code, kUsage);
  }
}

TEST(CommandsTest, TracesAreChosenByWhatTheyTouched) {
  FakeSupervisor fake;
  fake.On(
      "GET /canvases/demo/traces?function=fib&caller=10.0.0.1&since=2h&until=2026-11-24"
      "&field=user_id%3D7&revision=3",
      {200, R"({"looked_enough":true})"});
  Ended ended = RunNightjar({"traces", "demo", "--function", "fib", "--caller", "10.0.0.1",
                             "--since", "2h", "--until", "2026-11-24", "--field", "user_id=7",
                             "--revision", "3", "--state", fake.state()});
  EXPECT_EQ(ended.code, kOk) << ended.err;
  EXPECT_THAT(ended.out, HasSubstr("No trace matches.\n"));
  EXPECT_THAT(ended.out, HasSubstr("older ones were not looked at"));
}

TEST(CommandsTest, ATraceIsHeldUntilItIsReleased) {
  FakeSupervisor fake;
  const std::string hold = std::string(R"({"run_id":")") + kId +
                           R"(","canvas":"demo","reason":"report 7","by":"uid 0 pid 9",)" +
                           R"("trace":{"request_line":"GET /x","verdict":"VERDICT_FINISHED"}})";
  const std::string target = std::string("/canvases/demo/holds/") + kId;
  fake.On("GET /canvases/demo/traces?n=1000",
          {200, std::string(R"({"traces":[{"run_id":")") + kId + R"("}]})"});
  fake.On("PUT " + target, {200, hold});
  fake.On("DELETE " + target, {200, hold});
  fake.On("GET /holds?canvas=demo", {200, R"({"holds":[)" + hold + "]}"});
  EXPECT_EQ(RunNightjar({"hold", "demo", kId, "--state", fake.state()}).code, kUsage);
  Ended ended =
      RunNightjar({"hold", "demo", "fe6c1a", "--reason", "report 7", "--state", fake.state()});
  EXPECT_EQ(ended.code, kOk) << ended.err;
  EXPECT_EQ(ended.out, std::string(kId) + " is held until it is released\n");
  EXPECT_EQ(fake.requests()[1].body, "report 7");
  ended = RunNightjar({"holds", "demo", "--state", fake.state()});
  EXPECT_THAT(ended.out, HasSubstr("uid 0 pid 9"));
  EXPECT_THAT(ended.out, HasSubstr("report 7"));
  EXPECT_EQ(RunNightjar({"release", "demo", kId, "--state", fake.state()}).code, kUsage);
  ended = RunNightjar({"release", "demo", "fe6c1a", "--reason", "closed", "--state", fake.state()});
  EXPECT_EQ(ended.code, kOk) << ended.err;
  EXPECT_EQ(fake.requests().back().body, "closed");
  EXPECT_EQ(ended.out, std::string(kId) + " is released: it goes when its time is over\n");
}

TEST(CommandsTest, ATraceIsDeletedWithAReason) {
  FakeSupervisor fake;
  const std::string target = std::string("DELETE /canvases/demo/traces/") + kId;
  fake.On(target, {200, std::string(R"({"run_id":")") + kId + R"("})"});
  EXPECT_EQ(RunNightjar({"delete-trace", "demo", kId, "--state", fake.state()}).code, kUsage);
  const std::vector<std::string> words = {"delete-trace", "demo",    kId,         "--reason",
                                          "a mistake",    "--state", fake.state()};
  Ended ended = RunNightjar(words);
  EXPECT_EQ(ended.code, kOk) << ended.err;
  EXPECT_EQ(ended.out, std::string(kId) + " is deleted\n");
  EXPECT_EQ(fake.requests()[0].body, "a mistake");
  fake.On(target, {200, std::string(R"({"run_id":")") + kId + R"(","not_yet":"it is away"})"});
  EXPECT_THAT(RunNightjar(words).out, HasSubstr("still in the store, and is erased as soon as that "
                                                "can be: it is away\n"));
  fake.On(target, {409, R"({"error":"it is held"})"});
  EXPECT_EQ(RunNightjar(words).code, kNo);
}

TEST(CommandsTest, VerifyWalksAlongTheWholeChain) {
  FakeSupervisor fake;
  fake.On("GET /incidents/verify", {200, R"({"link":"1000","hash":"ab"})"});
  fake.On("GET /incidents/verify?after=1000&hash=ab",
          {200, R"({"link":"1001","hash":"cd","whole":true,"first_at_unix_us":"1732448403123456",
                    "last_at_unix_us":"1732448404123456","unlinked":"2"})"});
  Ended ended = RunNightjar({"incidents", "--verify", "--state", fake.state()});
  EXPECT_EQ(ended.code, kOk) << ended.err;
  EXPECT_EQ(ended.out,
            "1001 incidents are sound, from 2024-11-24 11:40:03.123Z to 2024-11-24 "
            "11:40:04.123Z.\nHead of the chain: 1001:cd\n2 older incidents are in no chain: it was "
            "begun -.\n");
  EXPECT_EQ(fake.requests().size(), 2u);
}

TEST(CommandsTest, ABrokenChainIsANo) {
  FakeSupervisor fake;
  fake.On("GET /incidents/verify?head=9%3Aef",
          {200, std::string(R"({"link":"3","hash":"ab","broken":"it was changed",)") +
                    R"("broken_link":"4","broken_run_id":")" + kId + R"("})"});
  Ended ended = RunNightjar({"incidents", "--verify", "--head", "9:ef", "--state", fake.state()});
  EXPECT_EQ(ended.code, kNo);
  EXPECT_THAT(ended.out, HasSubstr(std::string("NOT SOUND: link 4 (incident ") + kId +
                                   ", -): it was changed.\n3 incidents are sound"));
  EXPECT_EQ(RunNightjar({"incidents", "--head", "9:ef", "--state", fake.state()}).code, kUsage);
  // A supervisor that never comes to an end is not believed.
  fake.On("GET /incidents/verify", {200, "{}"});
  EXPECT_EQ(RunNightjar({"incidents", "--verify", "--state", fake.state()}).code, kNo);
}

TEST(CommandsTest, WhyLeavesItToTheSupervisorToCompleteAnId) {
  FakeSupervisor fake;
  fake.On("GET /runs/fe6c1a", {200, R"({"run_id":"r1","trace":{"canvas":"demo","handler":"GET /",
                                       "verdict":"VERDICT_FINISHED","http_status":200}})"});
  Ended ended = RunNightjar({"why", "fe6c1a", "--state", fake.state()});
  EXPECT_EQ(ended.code, kOk) << ended.err;
  EXPECT_THAT(ended.out, HasSubstr("demo GET / finished with status 200."));
  ended = RunNightjar({"why", "fe6c1a", "--json", "--state", fake.state()});
  EXPECT_THAT(ended.out, HasSubstr("\"http_status\": 200"));
  fake.On("GET /runs/fe6c1b", {404, R"({"error":"no run is known by `fe6c1b`"})"});
  ended = RunNightjar({"why", "fe6c1b", "--state", fake.state()});
  EXPECT_EQ(ended.code, kNo);
  EXPECT_EQ(ended.out, "");
  EXPECT_EQ(ended.err, "nightjar: no run is known by `fe6c1b`\n");
}

TEST(CommandsTest, SimilarAsksByOneThing) {
  FakeSupervisor fake;
  fake.On("GET /incidents?caller=10.0.0.1",
          {200, R"({"incidents":[{"run_id":"r1","canvas":"demo","handler":"GET /",
                    "verdict":"VERDICT_MEMORY","caller":"10.0.0.1","code_sha256":"0123456789abcdef",
                    "at_unix_us":"1732448403123456","detail":"x"}],"more":true})"});
  Ended ended = RunNightjar({"similar", "--caller", "10.0.0.1", "--state", fake.state()});
  EXPECT_EQ(ended.code, kOk) << ended.err;
  EXPECT_EQ(ended.out,
            "INCIDENT  AT                        CANVAS  HANDLER  VERDICT  CALLER    CODE          "
            "WHAT HAPPENED\n"
            "r1        2024-11-24 11:40:03.123Z  demo    GET /    memory   10.0.0.1  0123456789ab  "
            "x\n"
            "There are older ones: -n shows more.\n");
  fake.On("GET /incidents?n=5&since=2h&cause=memory", {200, "{}"});
  ended = RunNightjar(
      {"similar", "--cause", "memory", "--since", "2h", "-n", "5", "--state", fake.state()});
  EXPECT_EQ(ended.out, "No incident is like that.\n");
  EXPECT_EQ(RunNightjar({"similar"}).code, kUsage);
  EXPECT_EQ(RunNightjar({"similar", "--caller", "x", "--cause", "memory"}).code, kUsage);
}

// A supervisor with one incident, whose trace is larger than what is held of it at once.
class EvidenceTest : public ::testing::Test {
 protected:
  EvidenceTest() {
    const std::string incident = std::string(R"({"run_id":")") + kId +
                                 R"(","canvas":"demo","handler":"GET /","revision":"3",
                                    "verdict":"VERDICT_MEMORY","at_unix_us":"1732448403123456"})";
    fake_.On("GET /runs/fe6c1a", {200, std::string(R"({"run_id":")") + kId + R"(","incident":)" +
                                           incident + R"(,"trace":{"canvas":"demo"}})"});
    fake_.On(std::string("GET /incidents/") + kId, {200, incident});
    fake_.On(std::string("GET /incidents/") + kId + "/link", {200, "{}"});
    fake_.On("GET /canvases/demo/revisions/3/source", {200, R"({"source":"Y29kZQ=="})"});
    fake_.On(
        "GET /usage?canvas=demo&by=hour&since=2024-11-23T11%3A40%3A03Z&until="
        "2024-11-25T11%3A40%3A03Z",
        {200, "{}"});
    fake_.On("GET /audit?canvas=demo&n=1000", {200, "{}"});
    fake_.On(std::string("PUT /canvases/demo/holds/") + kId, {200, "{}"});
    for (size_t i = 0; object_.size() < 20'000'000; ++i) object_ += std::to_string(i) + "\n";
    Serve([this](size_t first, size_t last) {
      last = std::min(last, object_.size() - 1);
      return FakeSupervisor::Reply{206, object_.substr(first, last + 1 - first), false,
                                   "Content-Range: bytes " + std::to_string(first) + "-" +
                                       std::to_string(last) + "/" + std::to_string(object_.size()) +
                                       "\r\n"};
    });
  }
  // What is answered to a range of the trace's object.
  void Serve(std::function<FakeSupervisor::Reply(size_t first, size_t last)> part) {
    fake_.OnEach(std::string("GET /canvases/demo/traces/") + kId,
                 [part](const FakeSupervisor::Request& request) {
                   size_t at = request.head.find("Range: bytes=");
                   if (at == std::string::npos) return FakeSupervisor::Reply{200, "{\"json\":1}"};
                   const std::string range = request.head.substr(at + 13);
                   return part(std::stoul(range), std::stoul(range.substr(range.find('-') + 1)));
                 });
  }
  Ended Seal() {
    return RunNightjar({"evidence", "fe6c1a", "--out", file_, "--state", fake_.state()});
  }
  std::string Archive() const {
    std::ifstream in(file_);
    return std::string(std::istreambuf_iterator<char>(in), {});
  }

  FakeSupervisor fake_;
  TempDir dir_;
  std::string file_ = dir_.path() + "/a.tar";
  std::string object_;
};

TEST_F(EvidenceTest, ALargeTraceGoesThroughInParts) {
  Ended ended = Seal();
  EXPECT_EQ(ended.code, kOk) << ended.err;
  EXPECT_THAT(ended.out, HasSubstr("missing: incident.link: the incident is older than the chain"));
  std::string archive = Archive();
  EXPECT_NE(archive.find(object_), std::string::npos);
  EXPECT_THAT(archive, HasSubstr("code"));
  size_t parts = 0;
  for (const auto& request : fake_.requests()) {
    size_t at = request.head.find("Range: bytes=");
    if (at == std::string::npos) continue;
    ++parts;
    const std::string range = request.head.substr(at + 13);
    EXPECT_LE(std::stoul(range.substr(range.find('-') + 1)) - std::stoul(range), size_t{8} << 20);
  }
  EXPECT_EQ(parts, 3u);
  const std::string reason = fake_.requests().back().body;
  EXPECT_THAT(reason, HasSubstr("evidence a.tar sha256 "));
  EXPECT_THAT(ended.out, HasSubstr(reason.substr(reason.find("sha256"))));
}

TEST_F(EvidenceTest, ATraceThatBreaksOffLeavesNoFile) {
  auto whole = [this](size_t first, bool hang_up) {
    return FakeSupervisor::Reply{
        206, object_.substr(first, size_t{8} << 20), hang_up,
        "Content-Range: bytes 0-0/" + std::to_string(object_.size()) + "\r\n"};
  };
  Serve([&](size_t first, size_t) { return whole(first, first > 0); });
  Ended ended = Seal();
  EXPECT_EQ(ended.code, kUnreachable);
  EXPECT_THAT(ended.err, HasSubstr("a.tar was not written"));
  EXPECT_TRUE(std::filesystem::is_empty(dir_.path()));
  // Or that is another one all at once.
  Serve([&](size_t first, size_t) {
    return first > 0 ? FakeSupervisor::Reply{410, R"({"error":"traces of that day are over"})"}
                     : whole(first, false);
  });
  ended = Seal();
  EXPECT_EQ(ended.code, kNo);
  EXPECT_THAT(ended.err, HasSubstr("traces of that day are over; "));
  EXPECT_TRUE(std::filesystem::is_empty(dir_.path()));
  for (const auto& request : fake_.requests())
    EXPECT_EQ(request.line.find("PUT"), std::string::npos);
}

TEST_F(EvidenceTest, AStoreThatIsAwayIsNoReasonToLeaveSomethingOut) {
  fake_.On("GET /canvases/demo/revisions/3/source", {503, R"({"error":"the writer is away"})"});
  Ended ended = Seal();
  EXPECT_EQ(ended.code, kNo);
  EXPECT_THAT(ended.err, HasSubstr("the writer is away; " + file_ + " was not written"));
  EXPECT_TRUE(std::filesystem::is_empty(dir_.path()));
}

TEST_F(EvidenceTest, AHoldThatFailsIsTold) {
  fake_.On(std::string("PUT /canvases/demo/holds/") + kId, {503, R"({"error":"too many holds"})"});
  Ended ended = Seal();
  EXPECT_EQ(ended.code, kNo);
  EXPECT_THAT(ended.err, HasSubstr("its trace is NOT held: too many holds"));
  EXPECT_FALSE(Archive().empty());
}

TEST(CommandsTest, JsonIsTheSupervisorsAnswer) {
  FakeSupervisor fake;
  fake.On("GET /canvases", {200, R"({"canvases":[],"of_a_newer_version":1})"});
  Ended ended = RunNightjar({"canvases", "--json", "--state", fake.state()});
  EXPECT_EQ(ended.code, kOk);
  EXPECT_EQ(ended.out, "{\n  \"canvases\": [],\n  \"of_a_newer_version\": 1\n}\n");
  ended = RunNightjar({"limits", "nobody", "--json", "--state", fake.state()});
  EXPECT_EQ(ended.code, kNo);
  EXPECT_EQ(ended.out, "{\n  \"error\": \"there is no such thing\"\n}\n");
}

TEST(CommandsTest, ARefusalIsOneLine) {
  FakeSupervisor fake;
  fake.On("GET /runs", {403, R"({"error":"only root may\u001b[2J"})"});
  Ended ended = RunNightjar({"ps", "--state", fake.state()});
  EXPECT_EQ(ended.code, kNo);
  EXPECT_EQ(ended.err, "nightjar: only root may\\x1b[2J\n");
}

TEST(CommandsTest, AnswersThatMakeNoSenseAreTold) {
  FakeSupervisor fake;
  fake.On("GET /runs", {200, "<html>"});
  EXPECT_EQ(RunNightjar({"ps", "--state", fake.state()}).code, kNo);
  fake.On("GET /runs", {502, "<html>"});
  Ended ended = RunNightjar({"ps", "--state", fake.state()});
  EXPECT_EQ(ended.err, "nightjar: the supervisor answered with HTTP status 502\n");
  fake.On("GET /runs", {.body = "{\"runs\":", .hang_up = true});
  ended = RunNightjar({"ps", "--state", fake.state()});
  EXPECT_EQ(ended.code, kUnreachable);
  EXPECT_THAT(ended.err, HasSubstr("hung up"));
}

TEST(CommandsTest, TopEndsAfterOneRoundWhereThereIsNoScreen) {
  FakeSupervisor fake;
  fake.On("GET /runs", {200, "{}"});
  fake.On("GET /canvases", {200, R"({"canvases":[{"canvas":"demo"}]})"});
  Ended ended = RunNightjar({"top", "--state", fake.state()});
  EXPECT_EQ(ended.code, kOk) << ended.err;
  EXPECT_THAT(ended.out, HasSubstr("1 canvas, 0 runs"));
  EXPECT_EQ(ended.out.find('\x1b'), std::string::npos);
}

TEST(CommandsTest, DoctorAsksTheServerFirst) {
  FakeSupervisor fake;
  fake.On("GET /doctor", {200, R"({"can_serve":false})"});
  Ended ended = RunNightjar({"doctor", "--state", fake.state()});
  EXPECT_EQ(ended.code, kNo);
  EXPECT_THAT(ended.out, HasSubstr("cannot serve"));
}

TEST(CommandsTest, FormatSaysWhatItCannotRead) {
  TempDir dir;
  EXPECT_EQ(RunNightjar({"fmt"}).code, kUsage);
  EXPECT_EQ(RunNightjar({"fmt", "--write", "--check", "x.dark"}).code, kUsage);
  Ended ended = RunNightjar({"fmt", "--write", "-"});
  EXPECT_EQ(ended.code, kUsage);
  EXPECT_THAT(ended.err, HasSubstr("standard input cannot be written in place"));
  ended = RunNightjar({"fmt", dir.path() + "/none.dark"});
  EXPECT_EQ(ended.code, kUsage);
  EXPECT_THAT(ended.err, HasSubstr("none.dark: No such file"));
}

// The rules that the supervisor comes with, and the same with a word misspelt.
TEST(CommandsTest, RulesAreCheckedByLineAndColumn) {
  TempDir dir;
  const std::string bad = dir.path() + "/bad.toml";
  std::ofstream(bad) << "[rule.runaway]\nwhen = [\"kils >= 20\"]\nwindow = \"10m\"\n";
  const std::string good = std::string(NIGHTJAR_SOURCE_DIR) + "/rules/shipped.toml";

  Ended ended = RunNightjar({"rules", "check", good});
  EXPECT_EQ(ended.code, kOk) << ended.err;
  EXPECT_THAT(ended.out, HasSubstr(", 7 rules\n"));
  ended = RunNightjar({"rules", "check", good, bad});
  EXPECT_EQ(ended.code, kNo);
  EXPECT_THAT(ended.out, HasSubstr(", 7 rules\n"));
  EXPECT_THAT(ended.err, HasSubstr(bad + ":2:"));
  EXPECT_THAT(ended.err, HasSubstr("did you mean `kills`?"));
  ended = RunNightjar({"rules", "check", bad, "--json"});
  EXPECT_EQ(ended.code, kNo);
  EXPECT_EQ(nlohmann::json::parse(ended.out)["complaints"][0]["line"], 2);

  EXPECT_EQ(RunNightjar({"rules", "check", dir.path() + "/none.toml"}).code, kUsage);
  EXPECT_EQ(RunNightjar({"rules", "check"}).code, kUsage);
}

TEST(CommandsTest, RulesInForceAndWhatTheyHit) {
  FakeSupervisor fake;
  fake.On("GET /rules",
          {200, R"({"version":"241d9b7a785c","file":"/etc/nightjar/rules.toml","canvases":7,
                    "trouble":"rules.toml:2:9: unknown counter `kils`",
                    "rules":[{"name":"runaway","place":"rules.toml:1","window_s":"600",
                              "when":["kills >= 20","kills / runs >= 0.5"],
                              "actions":["suspend"],"open_hits":1,"hits":"3"},
                             {"name":"scanner","place":"rules.toml:9","window_s":"60",
                              "when":["not_found >= 5"]}]})"});
  Ended ended = RunNightjar({"rules", "--state", fake.state()});
  EXPECT_EQ(ended.code, kOk) << ended.err;
  EXPECT_EQ(
      ended.out,
      "rules 241d9b7a785c of /etc/nightjar/rules.toml, over 7 canvases that were used\n"
      "The file was read again and not taken: rules.toml:2:9: unknown counter `kils`\n"
      "RULE     OPEN  HITS  WINDOW  WHEN                                 ACTIONS  PLACE\n"
      "runaway     1     3   600 s  kills >= 20 and kills / runs >= 0.5  suspend  rules.toml:1\n"
      "scanner     0     0    60 s  not_found >= 5                       flag     rules.toml:9\n");
  fake.On("GET /rules/hits?canvas=demo&rule=runaway&open=1&n=2", {200, R"json({"more":true,"hits":[
                    {"rule":"runaway","canvas":"demo","began_unix_us":"1732448403000000",
                     "explanation":"rule runaway (rules.toml:1): in 10m, kills = 25 (>= 20)",
                     "done":["control 17: suspend"],
                     "held":["fe5dda9d-4463-4194-12d6-283169c5846e"]},
                    {"rule":"runaway","canvas":"demo","began_unix_us":"1732448401000000",
                     "ended_unix_us":"1732448402000000","explanation":"it\u001b[2J was so",
                     "over":"rule runaway: over after 1s"}]})json"});
  ended = RunNightjar(
      {"rules", "hits", "demo", "--rule", "runaway", "--open", "-n", "2", "--state", fake.state()});
  EXPECT_EQ(ended.code, kOk) << ended.err;
  EXPECT_EQ(ended.out,
            "2024-11-24 11:40:03.000Z  demo  goes on\n"
            "  rule runaway (rules.toml:1): in 10m, kills = 25 (>= 20)\n"
            "  control 17: suspend\n"
            "  held: trace fe5dda9d-4463-4194-12d6-283169c5846e, see nightjar why "
            "fe5dda9d-4463-4194-12d6-283169c5846e\n"
            "2024-11-24 11:40:01.000Z  demo  over since 2024-11-24 11:40:02.000Z\n"
            "  it\\x1b[2J was so\n"
            "  rule runaway: over after 1s\n"
            "Older ones are left out; -n shows more.\n");
  fake.On("GET /rules/hits", {200, R"({"hits":[]})"});
  EXPECT_EQ(RunNightjar({"rules", "hits", "--state", fake.state()}).out, "No rule has hit.\n");
}

TEST(CommandsTest, RulesAreTriedOutOnWhatWasCounted) {
  TempDir dir;
  const std::string file = dir.path() + "/rules.toml";
  std::ofstream(file) << "[rule.runaway]\nwhen = [\"kills >= 3\"]\nwindow = \"1m\"\n"
                         "actions = [\"suspend\"]\n";
  FakeSupervisor fake;
  fake.On("GET /rules", {200, R"({"version":"241d9b7a785c","processors":2,"rules":[]})"});
  fake.On("GET /rules/counters?since=2h", {200, R"json({"more":true,"slots":[
                    {"begins_unix_s":"1732448400","seconds":60,"rows":[
                      {"canvas":"demo","counts":{"kills":"2","unheard_of":"7"}}]}]})json"});
  fake.On("GET /rules/counters?since=2h&after=1732448400",
          {200, R"json({"since_unix_s":"1732447800","until_unix_s":"1732448520","slots":[
                    {"begins_unix_s":"1732448460","seconds":60,"rows":[
                      {"canvas":"demo","counts":{"kills":"3"}},
                      {"canvas":"polite","counts":{"runs":"3"}}]}]})json"});
  Ended ended = RunNightjar({"rules", "test", file, "--since", "2h", "--state", fake.state()});
  EXPECT_EQ(ended.code, kOk) << ended.err;
  EXPECT_THAT(ended.out, HasSubstr("held against 2024-11-24 11:30:00.000Z to "
                                   "2024-11-24 11:42:00.000Z\n"
                                   "2 canvases in 2 minutes that something happened in, the first "
                                   "2024-11-24 11:40:00.000Z\n"));
  EXPECT_THAT(ended.out, HasSubstr("runaway          1      1  suspend  rules.toml:1\n"
                                   "2024-11-24 11:42:00.000Z  demo  goes on\n"
                                   "  rule runaway (rules.toml:1): in 1m, kills = 3 (>= 3)\n"
                                   "  would: suspend\n"));
  ended = RunNightjar({"rules", "test", file, "--since", "2h", "--state", fake.state(), "--json"});
  EXPECT_EQ(nlohmann::json::parse(ended.out).at("hits").at(0).at("canvas"), "demo");
  std::ofstream(file) << "[rule.runaway]\nwhen = [\"kils >= 3\"]\nwindow = \"1m\"\n";
  ended = RunNightjar({"rules", "test", file, "--state", fake.state()});
  EXPECT_EQ(ended.code, kNo);
  EXPECT_THAT(ended.err, HasSubstr("rules.toml:2:9: "));
  EXPECT_EQ(RunNightjar({"rules", "test", dir.path() + "/none.toml", "--state", fake.state()}).code,
            kUsage);
}

TEST(CommandsTest, WithoutAFileTheRulesInForceAreTried) {
  FakeSupervisor fake;
  fake.On("GET /rules", {200, R"({"version":"000000000000","processors":2,"rules":[]})"});
  fake.On("GET /rules/counters?since=7d", {200, R"({"until_unix_s":"1732448520"})"});
  Ended ended = RunNightjar({"rules", "test", "--state", fake.state()});
  EXPECT_EQ(ended.code, kOk) << ended.err;
  EXPECT_THAT(ended.out, HasSubstr("of the program itself"));
  EXPECT_THAT(ended.out, HasSubstr("Nothing was counted in that time.\n"));
  EXPECT_THAT(ended.err, HasSubstr("in force is 000000000000"));
}

TEST(CompletionTest, OffersTheCommandsThatThereAre) {
  std::ifstream file(std::string(NIGHTJAR_SOURCE_DIR) + "/supervisor/cli/nightjar.bash");
  std::string line;
  while (std::getline(file, line) && line.find("commands=\"") == std::string::npos) {
  }
  ASSERT_TRUE(file.good());
  line = line.substr(line.find('"') + 1);
  std::istringstream offered(line.substr(0, line.find('"')));
  std::string help = RunNightjar({"--help"}).out;
  help = help.substr(help.find("Subcommands:"));
  size_t count = 0;
  for (std::string command; offered >> command; ++count)
    EXPECT_THAT(help, HasSubstr("\n  " + command + " "));
  EXPECT_EQ(count, 40u);
}

std::optional<std::vector<std::string>> Serve(std::vector<const char*> words) {
  words.insert(words.begin(), "nightjar");
  return ServeArguments(static_cast<int>(words.size()), words.data());
}

TEST(ServeArgumentsTest, PassesEverythingOn) {
  using Words = std::vector<std::string>;
  EXPECT_EQ(Serve({"serve", "--listen", "[::1]:80", "--help"}),
            (Words{"--listen", "[::1]:80", "--help"}));
  EXPECT_EQ(Serve({"--state", "/x", "serve", "serve"}), (Words{"--state", "/x", "serve"}));
  EXPECT_EQ(Serve({"ps", "serve"}), std::nullopt);
  EXPECT_EQ(Serve({"--state", "serve"}), std::nullopt);
  EXPECT_EQ(Serve({}), std::nullopt);
}

TEST(EncodePartTest, LeavesNothingThatAnUrlCouldMisread) {
  EXPECT_EQ(EncodePart("GET /a?b=c&d#e%f"), "GET%20%2Fa%3Fb%3Dc%26d%23e%25f");
  EXPECT_EQ(EncodePart("a-z_0.9~"), "a-z_0.9~");
  EXPECT_EQ(EncodePart("\xc3\xa4"), "%C3%A4");
}

}  // namespace
}  // namespace nightjar::cli
