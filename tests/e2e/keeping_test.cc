// Which traces are kept, as policy says: a whole server, and what its commands show of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>
#include <functional>
#include <set>
#include <sstream>

#include "supervisor/writer/trace_keeping.h"
#include "tests/support/server_rig.h"

namespace nightjar::e2e {
namespace {

using ::testing::HasSubstr;

// What takes long, fails, or ends with an answer of its own choice.
constexpr const char* kProgram =
    "[http-handler GET /plain]\nf 3\n"
    "[http-handler GET /other]\nf 3\n"
    "[http-handler GET /error]\n1 + \"x\"\n"
    "[http-handler GET /teapot]\nHttp.response_v0 \"short and stout\" 418\n"
    "[http-handler GET /sorry]\nHttp.response_v0 \"sorry\" 503\n"
    "[http-handler GET /slow]\nspin 0\n"
    "[http-handler GET /forever]\nforever 0\n"
    "[fn f n:Int]\nif n < 1 then 0 else f (n - 1)\n"
    "[fn spin n:Int]\nif n > 20000 then n else spin (n + 1)\n"
    "[fn forever n:Int]\nforever (n + 1)\n";

std::string FirstLineWith(const std::string& text, const std::string& part) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    if (line.find(part) != std::string::npos) return line;
  return "";
}

class KeepingServer : public Server {
 public:
  explicit KeepingServer(const std::string& policy) : Server(policy) {}

  // Its run's id, once it is listed.
  std::string Run(const std::string& target) {
    std::string trace = Get("one", target).trace();
    EXPECT_TRUE(Eventually([&] { return !Line(trace).empty(); })) << target;
    return trace;
  }
  std::string List() { return Cli({"traces", "one", "-n", "1000"}).out; }
  std::string Line(const std::string& trace) { return FirstLineWith(List(), trace); }
  bool Kept(const std::string& trace) { return Line(trace).find("not kept") == std::string::npos; }
  // "7"; empty: there is none of that name and these labels.
  std::string Figure(const std::string& name) {
    const std::string begin = "nightjar_" + name + " ";
    std::istringstream lines(Cli({"metrics"}).out);
    for (std::string line; std::getline(lines, line);)
      if (line.starts_with(begin)) return line.substr(begin.size());
    return "";
  }
  // Soon: a run is listed a moment before it is counted.
  bool FigureIs(const std::string& name, const std::string& value) {
    return Eventually([&] { return Figure(name) == value; });
  }
  int StatusOf(const std::string& trace) {
    return Control("GET", "/canvases/one/traces/" + trace).status;
  }
  void WritePolicy(const std::string& policy) {
    for (const std::string& word : command())
      if (word.ends_with(".toml")) std::ofstream(word) << policy;
  }
};

TEST(KeepingTest, NoneKeepsWhatEverybodyAsksFor) {
  KeepingServer server(
      "[default]\ntrace_sample = \"none\"\ntrace_slow = \"5s\"\nwall = \"20s\"\ncpu = \"300ms\"\n"
      "depth = 10000\n");
  server.Deploy("one", kProgram);
  std::string first = server.Run("/plain"), second = server.Run("/plain");
  EXPECT_TRUE(server.Kept(first)) << server.List();
  EXPECT_FALSE(server.Kept(second)) << server.List();
  EXPECT_TRUE(server.Kept(server.Run("/other"))) << "the first of its handler";
  server.Run("/error");
  server.Run("/sorry");
  server.Run("/teapot");
  EXPECT_TRUE(server.Kept(server.Run("/error")));
  EXPECT_TRUE(server.Kept(server.Run("/sorry")));
  EXPECT_FALSE(server.Kept(server.Run("/teapot")));
  std::string killed = server.Run("/forever");
  EXPECT_TRUE(server.Kept(killed)) << server.List();
  EXPECT_THAT(server.Line(killed), HasSubstr("call_depth"));

  Output shown = server.Cli({"trace", "one", second});
  EXPECT_EQ(shown.exit_code, 1);
  EXPECT_THAT(shown.err, HasSubstr("nightjar: the trace of run " + second +
                                   " was not kept, by trace_sample = none (policy.toml:2, "
                                   "default): there is only its row in the list"));
  EXPECT_EQ(server.StatusOf(second), 410);
  EXPECT_THAT(server.Control("GET", "/canvases/one/traces/" + second).body,
              HasSubstr("\"code\":\"not_kept\""));
  EXPECT_THAT(
      server.Control("GET", "/canvases/one/traces/ffffffff-ffff-4000-8000-000000000001").body,
      HasSubstr("\"code\":\"expired\""));
  EXPECT_EQ(server.StatusOf(first), 200);
  EXPECT_EQ(server.Cli({"hold", "one", second, "--reason", "x"}).exit_code, 1);
  EXPECT_THAT(server.Cli({"rerun", "one", second}).err, HasSubstr("was not kept"));
  EXPECT_THAT(
      server.List(),
      HasSubstr("\nNot kept, by trace_sample = none (policy.toml:2, default): 2 traces.\n"));
  EXPECT_THAT(server.Cli({"limits", "one"}).out, HasSubstr("trace_sample"));
  // What an operator asks for is kept.
  server.Cli({"run", "one", "GET /plain"});
  ASSERT_TRUE(Eventually([&] { return !server.Line("run GET /plain").empty(); }));
  EXPECT_TRUE(server.Line("run GET /plain").find("not kept") == std::string::npos);
  EXPECT_EQ(server.Cli({"rerun", "one", first}).exit_code, 0);
  EXPECT_TRUE(server.FigureIs("traces_not_kept_total{reason=\"sample\"}", "2"));
}

TEST(KeepingTest, SlowRunsAreKeptAndHandlersHaveRulesOfTheirOwn) {
  KeepingServer server(
      "[default]\ntrace_sample = \"none\"\ntrace_slow = \"none\"\nwall = \"20s\"\ncpu = \"15s\"\n"
      "[canvas.one.handler.\"GET /slow\"]\ntrace_slow = \"1ms\"\n"
      "[canvas.one.handler.\"GET /other\"]\ntrace_sample = \"all\"\n");
  server.Deploy("one", kProgram);
  for (const char* target : {"/plain", "/slow", "/other"}) server.Run(target);
  EXPECT_FALSE(server.Kept(server.Run("/plain")));
  EXPECT_TRUE(server.Kept(server.Run("/slow"))) << server.List();
  EXPECT_TRUE(server.Kept(server.Run("/other")));
  std::string limits = server.Cli({"limits", "one", "--handler", "GET /slow"}).out;
  EXPECT_THAT(FirstLineWith(limits, "trace_slow"), HasSubstr("policy.toml:7  handler GET /slow"))
      << limits;
}

// Sends so many requests, and holds lists and figures against what their ids say of them. The first
// is kept whatever it says.
void ExpectOneInFour(KeepingServer& server, size_t runs,
                     const std::function<void(size_t)>& before) {
  std::set<std::string> expected, kept;
  for (size_t i = 0; i < runs; ++i) {
    before(i);
    const std::string trace = i == 0 ? server.Run("/plain") : server.Get("one", "/plain").trace();
    ASSERT_TRUE(RunId::Parse(trace)) << i;
    if (i == 0 || IsInSample(*RunId::Parse(trace), 4)) expected.insert(trace);
  }
  auto rows = [&] {
    size_t count = 0;
    kept.clear();
    std::istringstream lines(server.List());
    for (std::string line; std::getline(lines, line);) {
      if (line.find("GET /plain") == std::string::npos) continue;
      ++count;
      if (line.find("not kept") == std::string::npos) kept.insert(line.substr(0, 36));
    }
    return count;
  };
  const std::string kept_figure = std::to_string(expected.size());
  EXPECT_TRUE(Eventually([&] {
    return rows() == runs && server.Figure("traces_kept_total") == kept_figure;
  })) << rows()
      << " rows, " << server.Figure("traces_kept_total") << " of " << expected.size();
  EXPECT_EQ(kept, expected);
  EXPECT_TRUE(server.FigureIs("traces_not_kept_total{reason=\"sample\"}",
                              std::to_string(runs - expected.size())));
}

TEST(KeepingTest, OneInFourIsByTheRunsOwnIdAndEveryRunIsCounted) {
  KeepingServer server("[default]\ntrace_sample = \"1/4\"\n");
  server.Deploy("one", kProgram);
  ExpectOneInFour(server, 200, [](size_t) {});
}

TEST(KeepingTest, EveryRunIsCountedOnceWhileTheWriterIsKilled) {
  KeepingServer server("[default]\ntrace_sample = \"1/4\"\ntrace_bytes_per_day = \"1GiB\"\n");
  server.Deploy("one", kProgram);
  pid_t killed = -1;
  ExpectOneInFour(server, 150, [&](size_t run) {
    if (run % 40 != 39) return;
    ASSERT_TRUE(Eventually([&] { return server.HelperPid("writer") != killed; }));
    killed = server.HelperPid("writer");
    EXPECT_EQ(kill(killed, SIGKILL), 0);
  });
}

TEST(KeepingTest, TheFirstOfEachRevisionIsKeptOnceAlsoOverARestart) {
  KeepingServer server("[default]\ntrace_sample = \"none\"\n");
  server.Deploy("one", kProgram);
  EXPECT_TRUE(server.Kept(server.Run("/plain")));
  server.Stop();
  server.Restart();
  EXPECT_FALSE(server.Kept(server.Run("/plain"))) << server.List();
  server.Deploy("one", kProgram + std::string("[fn another n:Int]\nn\n"));
  EXPECT_TRUE(server.Kept(server.Run("/plain"))) << server.List();
  EXPECT_FALSE(server.Kept(server.Run("/plain"))) << server.List();
}

TEST(KeepingTest, BeyondTheEventsATraceHasItsInputAndItsResult) {
  KeepingServer server("[canvas.one]\ntrace_events_per_day = 1\n");
  server.Deploy("one", kProgram);
  std::string whole = server.Run("/plain"), cut = server.Run("/plain");
  EXPECT_THAT(server.Cli({"trace", "one", whole}).out, HasSubstr("f(3) = 0"));
  Output shown = server.Cli({"trace", "one", cut});
  EXPECT_EQ(shown.exit_code, 0) << shown.err;
  EXPECT_THAT(shown.out, HasSubstr("events were not kept, by trace_events_per_day = 1 "
                                   "(policy.toml:2, canvas one)."));
  EXPECT_THAT(shown.out, HasSubstr("result 0"));
  EXPECT_EQ(shown.out.find("f(3)"), std::string::npos) << shown.out;
  EXPECT_THAT(server.List(), HasSubstr("Not kept, by trace_events_per_day = 1 (policy.toml:2, "
                                       "canvas one): "));
  EXPECT_TRUE(server.FigureIs("trace_budgets_used_up", "1"));
  EXPECT_GT(std::stoi(server.Figure("trace_events_not_kept_total")), 0);
  // A whole trace again, once there may be more; errors are bounded too.
  server.WritePolicy("[canvas.one]\ntrace_events_per_day = 100000\n");
  server.Kill(SIGHUP);
  EXPECT_TRUE(Eventually([&] {
    return server.Cli({"trace", "one", server.Run("/plain")}).out.find("f(3)") != std::string::npos;
  }));
  EXPECT_TRUE(server.FigureIs("trace_budgets_used_up", "0"));
}

TEST(KeepingTest, BeyondTheBytesThereAreRowsAndKillsAlsoOverADeadWriter) {
  KeepingServer server(
      "[canvas.one]\ntrace_bytes_per_day = \"1KiB\"\ncpu = \"300ms\"\nwall = \"20s\"\n"
      "depth = 10000\n");
  server.Deploy("one", kProgram);
  while (server.Kept(server.Run("/plain"))) {
  }
  std::string error = server.Run("/error"), killed = server.Run("/forever");
  EXPECT_FALSE(server.Kept(error)) << server.List();
  EXPECT_TRUE(server.Kept(killed)) << server.List();
  EXPECT_EQ(server.Cli({"trace", "one", killed}).exit_code, 0);
  EXPECT_THAT(server.Cli({"trace", "one", error}).err,
              HasSubstr("trace_bytes_per_day = 1KiB (policy.toml:2, canvas one)"));
  const pid_t writer = server.HelperPid("writer");
  ASSERT_EQ(kill(writer, SIGKILL), 0);
  ASSERT_TRUE(Eventually([&] { return server.HelperPid("writer") != writer; }));
  ASSERT_TRUE(server.FigureIs("writer_connected", "1"));
  EXPECT_FALSE(server.Kept(server.Run("/plain"))) << server.List();
  EXPECT_TRUE(server.FigureIs("trace_budgets_used_up", "1"));
  EXPECT_THAT(server.log(), HasSubstr("event=trace_budget_used_up"));
}

}  // namespace
}  // namespace nightjar::e2e
