#include "supervisor/cli/render_timeline.h"

#include <gtest/gtest.h>

#include "tests/unit/cli/messages.h"

namespace nightjar::cli {
namespace {

std::string Render(const std::string& text) {
  return RenderTimeline(FromText<proto::Timeline>(text), Paint());
}

TEST(RenderTimelineTest, IsALineAnEvent) {
  EXPECT_EQ(Render(R"(canvas: "demo" since_unix_us: 1732440000000000 until_unix_us: 1732450000000000
      events { at_unix_us: 1732446000000000 kind: TIMELINE_USAGE
               used { cpu_us: 1200 refused: 2 runs { key: "finished" value: 5 }
                      runs { key: "memory" value: 1 } } }
      events { at_unix_us: 1732446001000000 kind: TIMELINE_DEPLOY revision: 3 by: "uid 0 pid 7" }
      events { at_unix_us: 1732446002000000 kind: TIMELINE_INCIDENT
               incident { run_id: "r1" handler: "GET /" verdict: VERDICT_MEMORY caller: "::1"
                          detail: "too much" } }
      events { at_unix_us: 1732446003000000 kind: TIMELINE_MISSED
               missed { method: "GET" path: "/x" count: 3 first_unix_us: 1732446000000000 } }
      events { at_unix_us: 1732446004000000 kind: TIMELINE_HOLD by: "uid 0"
               hold { run_id: "r1" reason: "abuse\n" } })"),
            "demo from 2024-11-24 09:20:00.000Z to 2024-11-24 12:06:40.000Z\n"
            "AT                        WHAT    RUN\n"
            "2024-11-24 11:00:00.000Z  hour         6 runs, cpu 1.20 ms, 1 killed, 2 refused\n"
            "2024-11-24 11:00:01.000Z  deploy       revision 3 by uid 0 pid 7\n"
            "2024-11-24 11:00:02.000Z  memory  r1   GET / from ::1: too much\n"
            "2024-11-24 11:00:03.000Z  404          GET /x, the newest of 3 since 2024-11-24 "
            "11:00:00.000Z\n"
            "2024-11-24 11:00:04.000Z  hold    r1   by uid 0: abuse\\n\n");
}

TEST(RenderTimelineTest, SaysThatThereAreMoreOrNone) {
  EXPECT_EQ(Render("canvas: 'demo' since_unix_us: 1732440000000000 until_unix_us: 1732440000000000 "
                   "more: true"),
            "demo from 2024-11-24 09:20:00.000Z to 2024-11-24 09:20:00.000Z\n"
            "Older events are left out: ask for a shorter time, or for more with -n.\n"
            "Nothing happened.\n");
}

}  // namespace
}  // namespace nightjar::cli
