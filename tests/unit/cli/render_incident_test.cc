#include "supervisor/cli/render_incident.h"

#include <gtest/gtest.h>

#include "tests/unit/cli/messages.h"

namespace nightjar::cli {
namespace {

std::string Render(const std::string& text) {
  return RenderIncident(FromText<proto::Incident>(text), Detail::kShort, Paint());
}

constexpr char kKilled[] = R"text(
  run_id: "fe6c1a2b-0000-4000-8000-000000000001" canvas: "demo" handler: "GET /loop" revision: 3
  verdict: VERDICT_WALL_TIME
  detail: "used 2.004 s of wall time; limit wall = 2s (p.toml:4, default)"
  at_unix_us: 1732448403123456 request_line: "GET /loop" caller: "127.0.0.1"
  usage { wall_us: 2004000 cpu_us: 1990000 memory_peak_bytes: 12582912 pids_peak: 1
          trace_bytes: 1048576 trace_events: 52000 trace_dropped: 88 }
  broken { name: "wall" value: "2s" source: "p.toml:4" layer: "default" }
  limits { name: "wall" value: "2s" source: "p.toml:4" layer: "default" }
  limits { name: "cpu" value: "2s" source: "built in" layer: "default" }
  limits { name: "memory" value: "64MiB" source: "policy.toml:9" layer: "canvas demo" }
  limits { name: "depth" value: "1000" source: "built in" layer: "default" }
  kill { overshoot_us: 310 signal_to_exit_us: 420 signal_to_empty_us: 660 }
  exit_signal: 9 calls_open: 2
  open_calls { call { call_id: 1 fn: "loop" args { int: 1 } } open_ns: 2003000000 }
  open_calls { call { call_id: 9 parent: 1 fn: "step" } open_ns: 1000 }
  last_events { seq: 9 at_ns: 1998000000 call { call_id: 9 fn: "step" } }
)text";

constexpr char kKilledText[] =
    R"text(demo GET /loop was killed, wall_time: used 2.004 s of wall time; limit wall = 2s (p.toml:4, default).

  LIMIT       USED  ALLOWED             SET BY
  wall     2.004 s       2s  <- struck  p.toml:4, default
  cpu      1.990 s       2s             built in
  memory  12.0 MiB    64MiB             policy.toml:9, canvas demo

  request   GET /loop from 127.0.0.1
  at        2024-11-24 11:40:03.123Z
  revision  3
  kill      310 us after the limit; gone 420 us and its cell empty 660 us after the signal
  exit      signal 9 (SIGKILL)
  trace     52000 events, 88 dropped
  run       fe6c1a2b-0000-4000-8000-000000000001

Open calls, outermost first (2 in all):
  loop(1)  open for 2.003 s
  step  open for 1.00 us

The last events:
  +1.998 s  call   step()
)text";

TEST(RenderIncidentTest, TellsAKillInOneSentenceAndThenTheEvidence) {
  EXPECT_EQ(Render(kKilled), kKilledText);
}

TEST(RenderIncidentTest, NamesThePolicyLineWhereTheDetailDoesNot) {
  std::string text = Render(R"(canvas: "demo" handler: "GET /" verdict: VERDICT_MEMORY
      detail: "the kernel killed it at its memory limit"
      broken { name: "memory" value: "64MiB" source: "policy.toml:9" layer: "canvas demo" })");
  EXPECT_EQ(text.substr(0, text.find("\n\n")),
            "demo GET / was killed, memory: the kernel killed it at its memory limit.\n"
            "Struck: limit memory = 64MiB (policy.toml:9, canvas demo).");
}

TEST(RenderIncidentTest, ARefusalNeverRan) {
  std::string text = Render(R"(canvas: "demo" handler: "GET /" verdict: VERDICT_REFUSED
      refusal { kind: REFUSAL_SUSPENDED } exit_signal: 0 run_id: "x")");
  EXPECT_EQ(text.substr(0, text.find('\n')),
            "demo GET / was refused before it ran: the canvas is suspended.");
  EXPECT_EQ(text.find("exit "), std::string::npos);
}

TEST(RenderIncidentTest, ADeathOfItsOwnIsNotCalledAKill) {
  std::string text = Render(R"text(canvas: "demo" handler: "GET /" verdict: VERDICT_CRASHED
      detail: "the worker died of signal 11 (Segmentation fault)" exit_signal: 11
      kill { quarantined: true })text");
  EXPECT_EQ(text.substr(0, text.find('\n')),
            "demo GET / ended, crashed: the worker died of signal 11 (Segmentation fault).");
  EXPECT_NE(text.find("signal 11 (SIGSEGV)"), std::string::npos);
  EXPECT_NE(text.find("QUARANTINED"), std::string::npos);
}

TEST(RenderIncidentTest, CutsADeepStackInTheMiddle) {
  std::string calls;
  for (int i = 1; i <= 64; ++i)
    calls += " open_calls { call { fn: 'f" + std::to_string(i) + "' } }";
  std::string text = Render("calls_open: 900" + calls);
  EXPECT_NE(text.find("(900 in all)"), std::string::npos);
  EXPECT_NE(text.find("  f6  open for 0 ns\n  ... 888 more between\n  f59  "), std::string::npos)
      << text;
}

}  // namespace
}  // namespace nightjar::cli
