#include "supervisor/cli/render_incident.h"

#include <gtest/gtest.h>

#include "tests/unit/cli/messages.h"

namespace nightjar::cli {
namespace {

std::string Render(const std::string& text, Glyphs glyphs = Glyphs::kAscii) {
  return RenderIncident(FromText<proto::Incident>(text), Detail::kShort, glyphs, Paint());
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

// It took memory step by step, then computed on both processors, with a child.
constexpr char kSampled[] = R"text(
  canvas: "demo" handler: "GET /" verdict: VERDICT_WALL_TIME
  usage_over_time { at_us: 500000 cpu_us: 100000 memory_bytes: 1048576 pids: 1 }
  usage_over_time { at_us: 1000000 cpu_us: 200000 memory_bytes: 8388608 pids: 1 }
  usage_over_time { at_us: 1500000 cpu_us: 1200000 memory_bytes: 8388608 pids: 2 }
  usage_over_time { at_us: 2000000 cpu_us: 1200000 memory_bytes: 4194304 pids: 2 })text";

std::string Repeated(const std::string& glyph, int times) {
  std::string text;
  for (int i = 0; i < times; ++i) text += glyph;
  return text;
}

std::string PlotOf(const std::string& text) {
  size_t from = text.find("\nOver its ");
  return from == std::string::npos ? "" : text.substr(from, text.find("\n\n", from) - from);
}

TEST(RenderIncidentTest, PlotsUsageOverTheRunsTime) {
  EXPECT_EQ(PlotOf(Render(kSampled, Glyphs::kUnicode)),
            "\nOver its 2.000 s, in 4 samples:\n  cpu       " + Repeated("▁", 24) +
                Repeated("█", 12) + Repeated(" ", 12) + "  at most 2.00 processors\n  memory    " +
                Repeated("▁", 12) + Repeated("█", 24) + Repeated("▄", 12) +
                "  at most 8.0 MiB\n  processes " + Repeated("▄", 24) + Repeated("█", 24) +
                "  at most 2");
  EXPECT_EQ(PlotOf(Render(kSampled, Glyphs::kAscii)),
            "\nOver its 2.000 s, in 4 samples:\n  cpu       " + Repeated("_", 24) +
                Repeated("#", 12) + Repeated(" ", 12) + "  at most 2.00 processors\n  memory    " +
                Repeated("_", 12) + Repeated("#", 24) + Repeated("=", 12) +
                "  at most 8.0 MiB\n  processes " + Repeated("=", 24) + Repeated("#", 24) +
                "  at most 2");
}

TEST(RenderIncidentTest, AShortRunHasNoPlot) {
  EXPECT_EQ(PlotOf(Render("usage_over_time { at_us: 500 cpu_us: 100 }")), "");
  EXPECT_EQ(PlotOf(Render("usage_over_time {} usage_over_time {} usage_over_time {}")), "");
}

TEST(RenderIncidentTest, TellsWhatTheKernelDidAndWhatHeldItUp) {
  std::string text = Render(R"text(
      code_sha256: "ab12" events { memory_max: 7 memory_oom_kill: 1 memory_high: 0 pids_denied: 2
               canvas_throttled: 38 canvas_throttled_us: 1700000 cpu_stalled_us: 12000
               memory_stalled_us: 0 counted_from_us: 156000 })text");
  EXPECT_NE(text.find("  code      sha256 ab12\n"), std::string::npos) << text;
  EXPECT_NE(
      text.find("  kernel    7 times at its memory limit; 1 process killed for memory; 2 forks "
                "refused\n"),
      std::string::npos)
      << text;
  EXPECT_NE(text.find("  held up   its canvas had used up its processors 38 times, 1.700 s in all; "
                      "12.0 ms waiting for a processor (since 156 ms after its start)\n"),
            std::string::npos)
      << text;
  text = Render("events { memory_max: 0 cpu_stalled_us: 0 counted_from_us: 5 }");
  EXPECT_EQ(text.find("kernel"), std::string::npos) << text;
  EXPECT_EQ(text.find("held up"), std::string::npos) << text;
}

TEST(RenderIncidentTest, ShowsTheProcessesOfAProgramAndWhatIsNotKnown) {
  std::string text = Render(R"text(
      processes { pid: 41 parent: 1 name: "nightjar-worker" state: "S" threads_in_all: 2
                  threads { tid: 42 name: "timer" state: "S" waits_in: "do_epoll_wait" } }
      processes { pid: 50 parent: 41 name: "sh" command: "/bin/sh -c \033[2J" state: "R"
                  threads_in_all: 1 }
      processes { pid: 51 parent: 50 name: "sleep" state: "S" threads_in_all: 1 }
      processes_in_all: 200 left_out: "wait channels: no\033[2J")text");
  EXPECT_NE(text.find(R"text(
Its processes just before it was stopped (200 in all):
  41 S  nightjar-worker, 2 threads
    thread 42 S in do_epoll_wait  timer
    50 R  sh  /bin/sh -c \x1b[2J
      51 S  sleep
  ... 197 more
)text"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("\n  not known  wait channels: no\\x1b[2J\n"), std::string::npos) << text;
}

// A parent that is its own: numbers that came from nowhere must not nest for ever.
TEST(RenderIncidentTest, ProcessesThatClaimNonsenseAreShownAllTheSame) {
  std::string processes;
  for (int i = 1; i < 100; ++i)
    processes += " processes { pid: " + std::to_string(i % 7) +
                 " parent: " + std::to_string((i - 1) % 7) + " name: 'x' }";
  std::string text = Render(processes);
  EXPECT_NE(text.find("\n" + std::string(26, ' ') + "1 "), std::string::npos) << text;
  EXPECT_EQ(text.find("\n" + std::string(27, ' ')), std::string::npos) << text;
}

}  // namespace
}  // namespace nightjar::cli
