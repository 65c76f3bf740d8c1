#include "supervisor/cli/render_usage.h"

#include <gtest/gtest.h>

#include "tests/unit/cli/messages.h"

namespace nightjar::cli {
namespace {

constexpr const char* kRange = "since_unix_s: 1795539600 until_unix_s: 1795543200 ";

TEST(RenderUsageTest, NothingSaysSo) {
  EXPECT_EQ(RenderUsage(FromText<proto::UsageList>(kRange), Paint()),
            "From 2026-11-24 17:00 to 2026-11-24 18:00 (UTC)\nNothing was used.\n");
}

TEST(RenderUsageTest, HasUnitsAndTheSum) {
  const std::string used =
      R"(used { cpu_us: 1500000 memory_kib_ms: 2048000 request_bytes: 100 response_bytes: 2048
                trace_events: 7 trace_bytes: 900 stored_bytes: 300 refused: 2 unstarted: 1
                runs { key: "finished" value: 5 } runs { key: "program_error" value: 1 }
                runs { key: "wall_time" value: 2 } } )";
  std::string text =
      RenderUsage(FromText<proto::UsageList>(
                      std::string(kRange) + "rows { canvas: \"demo\" " + used + "} rows { " +
                      "canvas: \"idle\" used { cpu_us: 20 } } more: true sum { cpu_us: 1500020 }"),
                  Paint());
  EXPECT_EQ(text,
            "From 2026-11-24 17:00 to 2026-11-24 18:00 (UTC)\n"
            "CANVAS      CPU     MEMORY  RUNS  FINISHED  ERRORS  KILLED  REFUSED     IN      OUT  "
            "EVENTS  TRACED  STORED\n"
            "demo    1.500 s  2.0 MiB s     8         5       1       2        3  100 B  2.0 KiB  "
            "     7   900 B   300 B\n"
            "idle      20 us      0 B s     0         0       0       0        0    0 B      0 B  "
            "     0     0 B     0 B\n"
            "in all  1.500 s      0 B s     0         0       0       0        0    0 B      0 B  "
            "     0     0 B     0 B\n"
            "There are more rows; the sum is of all. Ask for one canvas, or for a shorter time.\n");
}

}  // namespace
}  // namespace nightjar::cli
