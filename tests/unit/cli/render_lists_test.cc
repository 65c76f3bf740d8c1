#include "supervisor/cli/render_lists.h"

#include <gtest/gtest.h>

#include <sstream>

#include "supervisor/cli/render_deploy.h"
#include "supervisor/cli/render_top.h"
#include "tests/unit/cli/messages.h"

namespace nightjar::cli {
namespace {

TEST(RenderListsTest, EmptyListsSaySo) {
  EXPECT_EQ(RenderCanvases({}, Paint()),
            "No canvas yet. `nightjar deploy CANVAS FILE` makes one.\n");
  EXPECT_EQ(RenderRuns({}, Paint()), "Nothing is running.\n");
  EXPECT_EQ(RenderTraces({}, Paint()), "No trace matches.\n");
  EXPECT_EQ(RenderMissed({}, Paint()), "Every request found its route.\n");
  EXPECT_EQ(RenderIncidents({}, Paint()), "No incident: nothing was killed or refused.\n");
}

TEST(RenderListsTest, Runs) {
  EXPECT_EQ(RenderRuns(FromText<proto::RunList>(
                           R"(runs { run_id: "fe6c1a2b" canvas: "demo" handler: "GET /\033[2J"
                              pid: 42 state: "running" wall_us: 1500 cpu_us: 900
                              memory_bytes: 1048576 wall_limit_us: 2000000 }
                              runs { run_id: "fe6c" canvas: "b" handler: "GET /"
                                     state: "queued" })"),
                       Paint()),
            "RUN       CANVAS  HANDLER       STATE    PID     WALL    LIMIT     CPU   MEMORY\n"
            "fe6c1a2b  demo    GET /\\x1b[2J  running   42  1.50 ms  2.000 s  900 us  1.0 MiB\n"
            "fe6c      b       GET /         queued     -     0 us     0 us    0 us      0 B\n");
}

TEST(RenderListsTest, TracesSayWhatPolicyDidNotLetBeKept) {
  std::string text = RenderTraces(FromText<proto::TraceList>(R"(
          traces { run_id: "a" stored_bytes: 2048 usage { trace_events: 9 } }
          traces { run_id: "b" usage { trace_events: 9 } not_kept: NOT_KEPT_SAMPLE
                   not_kept_by: "trace_sample = 1/9" }
          traces { run_id: "c" not_kept: NOT_KEPT_SAMPLE
                   not_kept_by: "trace_sample = 1/9" }
          traces { run_id: "d" stored_bytes: 100 usage { trace_events: 9 trace_dropped: 1 }
                   not_kept: NOT_KEPT_EVENTS events_not_kept: 7 not_kept_by: "budget" })"),
                                  Paint());
  EXPECT_NE(text.find("EVENTS  DROPPED    STORED\n"), std::string::npos) << text;
  EXPECT_NE(text.find(" 9        0   2.0 KiB\n"), std::string::npos) << text;
  EXPECT_NE(text.find(" 9        0  not kept\n"), std::string::npos) << text;
  EXPECT_NE(text.find(" 9        8     100 B\n"), std::string::npos) << text;
  EXPECT_NE(text.find("Not kept, by budget: 7 events.\n"
                      "Not kept, by trace_sample = 1/9: 2 traces.\n"),
            std::string::npos)
      << text;
}

TEST(RenderListsTest, RequestsWithoutARoute) {
  EXPECT_EQ(RenderMissed(FromText<proto::MissedList>(R"(routes { method: "GET" path: "/favicon.ico"
                  count: 12 first_unix_us: 1732448403123456 last_unix_us: 1732448404123456
                  caller: "192.0.2.7:4711" })"),
                         Paint()),
            "ROUTE             REQUESTS  FIRST                     LAST                      LAST "
            "CALLER\n"
            "GET /favicon.ico        12  2024-11-24 11:40:03.123Z  2024-11-24 11:40:04.123Z  "
            "192.0.2.7:4711\n");
}

TEST(RenderListsTest, Incidents) {
  EXPECT_EQ(
      RenderIncidents(FromText<proto::IncidentList>(R"(incidents { run_id: "fe6c" canvas: "demo"
                  handler: "GET /" verdict: VERDICT_MEMORY detail: "used it all"
                  at_unix_us: 1732448403123456 })"),
                      Paint()),
      "INCIDENT  AT                        CANVAS  HANDLER  VERDICT  WHAT HAPPENED\n"
      "fe6c      2024-11-24 11:40:03.123Z  demo    GET /    memory   used it all\n");
}

TEST(RenderListsTest, Limits) {
  EXPECT_EQ(RenderLimits(FromText<proto::LimitsAnswer>(R"(canvas: "demo" handler: "GET /"
                  limits { name: "wall" value: "2s" source: "policy.toml:4" layer: "plan free" }
                  limits { name: "pids" value: "8" source: "built in" layer: "default" }
                  policy_version: "3b547507f81d" policy_load: 2
                  policy_loaded_unix_us: 1732448403123000)"),
                         Paint()),
            "Limits of canvas demo, handler GET /, policy 3b547507f81d, load 2 at "
            "2024-11-24 11:40:03.123Z\n"
            "LIMIT  VALUE  SET BY         LAYER\n"
            "wall      2s  policy.toml:4  plan free\n"
            "pids       8  built in\n");
  EXPECT_EQ(RenderLimits(FromText<proto::LimitsAnswer>(
                             R"(canvas: "dmeo" policy_version: "3b" not_deployed: "canvas dmeo")"),
                         Paint()),
            "Limits of canvas dmeo, policy 3b\n"
            "canvas dmeo is not deployed: it would have these.\n"
            "LIMIT  VALUE  SET BY  LAYER\n");
}

TEST(RenderListsTest, Doctor) {
  EXPECT_EQ(RenderDoctor(FromText<proto::DoctorAnswer>(R"(
                  checks { name: "cgroups" state: DOCTOR_OK found: "v2" }
                  checks { name: "landlock" state: DOCTOR_DEGRADED found: "none"
                           means: "one wall less" fix: "a newer kernel" }
                  checks { name: "memory" state: DOCTOR_MISSING found: "no controller" }
                  can_serve: false)"),
                         Paint()),
            "ok        cgroups: v2\n"
            "degraded  landlock: none\n"
            "          means: one wall less\n"
            "          fix:   a newer kernel\n"
            "missing   memory: no controller\n"
            "This host cannot serve as it is: fix what is missing, or name it with `nightjar serve "
            "--without NAME`.\n");
}

TEST(RenderDeployTest, SaysWhatIsLive) {
  EXPECT_EQ(RenderDeploy(FromText<proto::DeployAnswer>(R"(canvas: "demo" revision: 4
                  compile_us: 8000 total_us: 12000
                  handlers { kind: HANDLER_KIND_HTTP name: "GET /hello" }
                  handlers { kind: HANDLER_KIND_CRON name: "Nightly" interval: "EveryDay" }
                  warnings { line: 3 column: 5 message: "unused" warning: true
                             source_line: "let x = 1" })"),
                         "demo.dark", Paint()),
            "demo revision 4 is live: 2 handlers, took 12.0 ms (compiled in 8.00 ms)\n"
            "  http  GET /hello\n"
            "  cron  Nightly     EveryDay\n"
            "demo.dark:3:5: warning: unused\n"
            "  let x = 1\n"
            "      ^\n");
}

TEST(RenderDeployTest, PointsAtTheCharacterWhateverStandsBeforeIt) {
  auto diagnostic = FromText<proto::Diagnostic>(R"(line: 1 column: 4 message: "what?")");
  diagnostic.set_source_line("\tä\x1b(");
  EXPECT_EQ(RenderDiagnostic(diagnostic, "f", Paint()),
            "f:1:4: error: what?\n   ä\\x1b(\n        ^\n");
  diagnostic.set_column(99);
  EXPECT_EQ(RenderDiagnostic(diagnostic, "f", Paint()),
            "f:1:99: error: what?\n   ä\\x1b(\n         ^\n");
}

TEST(RenderTopTest, ShowsRatesOnceThereAreTwoSamples) {
  TopSample before;
  before.canvases = FromText<proto::CanvasList>(
      "canvases { canvas: 'idle' requests: 900 } canvases { canvas: 'busy' requests: 100 cpu_us: 0 "
      "}");
  TopSample now = before;
  now.at = before.at + std::chrono::seconds(2);
  now.canvases.mutable_canvases(1)->set_requests(300);
  now.canvases.mutable_canvases(1)->set_cpu_us(1'000'000);
  std::string text = RenderTop(&before, now, {}, Paint());
  EXPECT_EQ(text.substr(0, text.find('\n')),
            "2 canvases, 0 runs, 100 requests/s on 0.50 processors");
  EXPECT_LT(text.find("busy      100  0.50"), text.find("idle        0  0.00")) << text;
  EXPECT_NE(RenderTop(nullptr, now, {}, Paint()).find("idle        -     -"), std::string::npos);
}

TEST(RenderTopTest, IsInTheOrderThatIsAskedFor) {
  TopSample now;
  now.canvases = FromText<proto::CanvasList>(R"(
      canvases { canvas: "a" requests: 4 killed: 1 refused: 3 memory_bytes: 2 }
      canvases { canvas: "c" requests: 9 killed: 2 refused: 1 memory_bytes: 1 }
      canvases { canvas: "b" requests: 1 killed: 3 refused: 2 memory_bytes: 3 })");
  auto order = [&](TopSort sort) {
    std::istringstream lines(RenderTop(nullptr, now, {.sort = sort}, Paint()));
    std::string names, line;
    for (int i = 0; std::getline(lines, line); ++i)
      if (i >= 3) names += line[0];
    return names;
  };
  EXPECT_EQ(order(TopSort::kCpu), "cab");
  EXPECT_EQ(order(TopSort::kMemory), "bac");
  EXPECT_EQ(order(TopSort::kRuns), "cab");
  EXPECT_EQ(order(TopSort::kKills), "bca");
  EXPECT_EQ(order(TopSort::kRefusals), "abc");
  EXPECT_EQ(order(TopSort::kName), "abc");
  std::string shown = RenderTop(nullptr, now, {.sort = TopSort::kKills, .keys = true}, Paint());
  EXPECT_NE(shown.find("by: c cpu  m memory  r runs  [k kills]  f refusals  n name  q quit\n"),
            std::string::npos)
      << shown;
  EXPECT_EQ(TopSortOfKey('f'), TopSort::kRefusals);
  EXPECT_EQ(TopSortOfKey('x'), std::nullopt);
  EXPECT_EQ(TopSortNamed("memory"), TopSort::kMemory);
  EXPECT_EQ(TopSortNamed(""), std::nullopt);
}

TEST(RenderTopTest, FitsTheScreen) {
  TopSample now;
  for (int i = 0; i < 100; ++i) {
    now.canvases.add_canvases()->set_canvas("c" + std::to_string(i));
    now.runs.add_runs()->set_canvas("c" + std::to_string(i));
  }
  for (size_t rows : {10u, 24u, 50u}) {
    std::string text = RenderTop(nullptr, now, {.rows = rows, .keys = true}, Paint());
    EXPECT_LT(std::count(text.begin(), text.end(), '\n'), static_cast<long>(rows));
  }
}

TEST(RenderFunctionsTest, WritesCallsAsProgramsDo) {
  auto list = FromText<proto::FunctionList>(
      R"(functions { module: "Dict" name: "get" version: 1 parameters { name: "dict" type: "Dict" }
                     parameters { name: "key" type: "Str" } returns: "Option" purity: "pure"
                     deprecated: "Dict.get_v2" }
         functions { name: "+" returns: "Int" purity: "pure" })");
  EXPECT_EQ(RenderFunctions(list, Paint()),
            "FUNCTION     PARAMETERS            RETURNS  PURITY  INSTEAD\n"
            "Dict.get_v1  dict: Dict, key: Str  Option   pure    Dict.get_v2\n"
            "+                                  Int      pure\n");
}

}  // namespace
}  // namespace nightjar::cli
