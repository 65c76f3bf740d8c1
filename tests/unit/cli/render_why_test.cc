#include "supervisor/cli/render_why.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "supervisor/cli/printable.h"
#include "tests/unit/cli/messages.h"

namespace nightjar::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string Render(const std::string& text, size_t columns = 100, Glyphs glyphs = Glyphs::kAscii) {
  return RenderWhy(FromText<proto::WhyAnswer>(text), columns, glyphs, Paint());
}

constexpr char kKilled[] = R"text(
  run_id: "fe6c1a2b-0000-4000-8000-000000000001"
  incident {
    run_id: "fe6c1a2b-0000-4000-8000-000000000001" canvas: "demo" handler: "GET /loop" revision: 3
    verdict: VERDICT_WALL_TIME code_sha256: "9f86d081"
    detail: "used 2.004 s of wall time; limit wall = 2s (p.toml:4, default)"
    at_unix_us: 1732448403123456 request_line: "GET /loop?n=1" caller: "127.0.0.1:4711"
    usage { wall_us: 2004000 cpu_us: 1990000 memory_peak_bytes: 12582912 }
    broken { name: "wall" value: "2s" source: "p.toml:4" layer: "default" }
    limits { name: "wall" value: "2s" source: "p.toml:4" layer: "default" }
    limits { name: "memory" value: "64MiB" source: "policy.toml:9" layer: "canvas demo" }
    calls_open: 2
    open_calls { call { call_id: 1 fn: "List::fold" } open_ns: 2003000000 calls: 4711 }
    open_calls { call { call_id: 9 fn: "step" args { int: 1 } } open_ns: 1000 }
    last_events { seq: 9 at_ns: 1998000000 call { call_id: 9 fn: "step" } }
    usage_over_time { at_us: 500000 cpu_us: 500000 memory_bytes: 1048576 pids: 1 }
    usage_over_time { at_us: 1000000 cpu_us: 1000000 memory_bytes: 8388608 pids: 1 }
    usage_over_time { at_us: 2000000 cpu_us: 2000000 memory_bytes: 8388608 pids: 1 }
  }
  trace { canvas: "demo" http_status: 504 }
  similar {
    of_canvas: 41 of_code: 1001 of_caller: 1
    newest { run_id: "fe6c1a2b-0000-4000-8000-000000000002" canvas: "other" handler: "GET /"
             at_unix_us: 1732448403000000 caller: "10.0.0.1" }
  }
)text";

constexpr char kKilledText[] =
    R"text(demo GET /loop was killed, wall_time: used 2.004 s of wall time;
  limit wall = 2s (p.toml:4, default).

  request   GET /loop?n=1 from 127.0.0.1:4711
  at        2024-11-24 11:40:03.123Z
  code      revision 3, sha256 9f86d081
  answered  504
  run       fe6c1a2b-0000-4000-8000-000000000001

  LIMIT       USED  ALLOWED             SET BY
  wall     2.004 s       2s  <- struck  p.toml:4, default
  memory  12.0 MiB    64MiB             policy.toml:9, canvas demo

Over its 2.000 s, in 3 samples:
  cpu       ##########################################################  at most 1.00 processors
  memory    ______________############################################  at most 8.0 MiB

Open calls, outermost first (2 in all):
  List::fold  open for 2.003 s, made 4711 calls
  step(1)  open for 1.00 us

The last events:
  +1.998 s  call   step()

Other wall_time like it, newest first: 41 of this canvas, more than 1000 of the same code, 1 from
  the same caller.
  fe6c1a2b-0000-4000-8000-000000000002  2024-11-24 11:40:03.000Z  other  GET /  10.0.0.1

More:
  nightjar incident fe6c1a2b-0000-4000-8000-000000000001             all that is recorded of it
  nightjar trace demo fe6c1a2b-0000-4000-8000-000000000001           everything it did
  nightjar evidence fe6c1a2b-0000-4000-8000-000000000001 --out FILE  all of it sealed in a file
)text";

TEST(RenderWhyTest, IsOnePage) {
  EXPECT_THAT(Render(kKilled, 120), HasSubstr("limit wall = 2s (p.toml:4, default).\n"));
  EXPECT_EQ(Render(kKilled, 100), kKilledText);
}

TEST(RenderWhyTest, StaysWithinTheWidth) {
  for (size_t columns : {0u, 1u, 60u, 61u, 79u, 80u, 100u, 120u, 500u}) {
    SCOPED_TRACE(columns);
    size_t width = std::clamp(columns, kPageLeast, kPageMost);
    for (Glyphs glyphs : {Glyphs::kAscii, Glyphs::kUnicode}) {
      std::istringstream page(Render(kKilled, columns, glyphs));
      size_t lines = 0;
      for (std::string line; std::getline(page, line); ++lines)
        EXPECT_LE(ColumnsOf(line), width) << line;
      EXPECT_LT(lines, 40u);
    }
  }
}

TEST(RenderWhyTest, WorksWithoutSamplesCallsOrOthers) {
  std::string text = Render(R"(run_id: "r1" incident { canvas: "demo" verdict: VERDICT_REFUSED
      refusal { kind: REFUSAL_RATE } } no_trace: "no trace r1 of this canvas")");
  EXPECT_THAT(text, HasSubstr("demo  was refused before it ran: more requests than its rate."));
  EXPECT_THAT(text, HasSubstr("There is no other refused like it."));
  EXPECT_THAT(text, Not(HasSubstr("Over its")));
  EXPECT_THAT(text, Not(HasSubstr("trace")));
}

TEST(RenderWhyTest, SaysWhyThereIsNoTrace) {
  std::string text = Render(R"(run_id: "r1" incident { canvas: "demo" verdict: VERDICT_MEMORY }
                               no_trace: "traces of 2024-11-24 are over")");
  EXPECT_THAT(text, HasSubstr("Its trace cannot be read: traces of 2024-11-24 are over\n"));
  EXPECT_THAT(text, Not(HasSubstr("nightjar trace")));
}

TEST(RenderWhyTest, SaysPlainlyThatARunFinished) {
  std::string text = Render(R"(run_id: "r1" trace { canvas: "demo" handler: "GET /" revision: 2
      verdict: VERDICT_FINISHED http_status: 200 received_unix_us: 1732448403123456
      request_line: "GET /" caller: "::1" usage { wall_us: 776 cpu_us: 607 } })");
  EXPECT_EQ(text,
            "demo GET / finished with status 200. Nothing ended it: no limit was struck, nobody "
            "killed it.\n"
            "\n"
            "  request   GET / from ::1\n"
            "  at        2024-11-24 11:40:03.123Z\n"
            "  code      revision 2\n"
            "  used      wall 776 us, cpu 607 us, memory 0 B, waited 0 us\n"
            "  run       r1\n"
            "\n"
            "More:\n"
            "  nightjar trace demo r1  everything it did\n");
}

TEST(RenderWhyTest, TellsAProgramsErrorFromAKill) {
  std::string text = Render(R"(trace { canvas: "demo" handler: "GET /" http_status: 500
      verdict: VERDICT_PROGRAM_ERROR detail: "divide by zero" })");
  EXPECT_THAT(text,
              HasSubstr("ended by itself with status 500, program_error: divide by zero. No"));
}

TEST(RenderWhyTest, ARunThatGoesOn) {
  std::string text = Render(R"(run_id: "r1" running { run_id: "r1" canvas: "demo" handler: "GET /"
      state: "running" pid: 7 wall_us: 1200000 wall_limit_us: 2000000 cpu_us: 1000 })");
  EXPECT_THAT(text,
              HasSubstr("demo GET / is not over: it is running, for 1.200 s of at most 2.000 s."));
  EXPECT_THAT(text, HasSubstr("nightjar kill r1"));
}

// What strangers wrote can neither break lines nor hide what is behind it.
TEST(RenderWhyTest, IsHarmless) {
  std::string text = Render(R"(run_id: "r1" incident { canvas: "demo" handler: "GET /\n\033[2J"
      verdict: VERDICT_MEMORY detail: "x\ny" request_line: "GET /\r\033"
      caller: "\342\200\256" })");
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(text.find('\r'), std::string::npos);
  EXPECT_THAT(text, HasSubstr("GET /\\n\\x1b[2J was killed"));
}

}  // namespace
}  // namespace nightjar::cli
