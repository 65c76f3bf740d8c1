#include "supervisor/cli/export_chrome.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>

#include "tests/unit/cli/messages.h"
#include "tests/unit/cli/trace_export_samples.h"

namespace nightjar::cli {
namespace {

using Json = nlohmann::json;

std::string Export(const std::string& text, Detail detail = Detail::kShort) {
  return ExportChrome(FromText<proto::TraceDocument>(text), detail);
}

// Perfetto drops an event that overlaps another one of its thread without lying within it.
void ExpectNested(const Json& exported) {
  struct Slice {
    double from;
    double to;
  };
  std::map<std::pair<int, int>, std::vector<Slice>> threads;
  for (const Json& event : exported["traceEvents"]) {
    EXPECT_TRUE(event.at("name").is_string());
    EXPECT_TRUE(event.at("pid").is_number_integer());
    EXPECT_TRUE(event.at("tid").is_number_integer());
    if (event["ph"] == "X") {
      EXPECT_GE(event["dur"], 0.0) << event;
      threads[{event["pid"], event["tid"]}].push_back(
          {event["ts"], event["ts"].get<double>() + event["dur"].get<double>()});
    } else if (event["ph"] == "i") {
      EXPECT_EQ(event["s"], "t");
      EXPECT_TRUE(event["ts"].is_number()) << event;
    } else {
      EXPECT_EQ(event["ph"], "M");
    }
  }
  constexpr double kRounding = 1e-4;  // a tenth of a nanosecond
  for (auto& [thread, slices] : threads)
    for (size_t i = 0; i < slices.size(); ++i)
      for (size_t j = i + 1; j < slices.size(); ++j) {
        const Slice &a = slices[i], &b = slices[j];
        bool apart = b.from >= a.to - kRounding || a.from >= b.to - kRounding;
        bool within = b.from >= a.from - kRounding && b.to <= a.to + kRounding;
        bool around = a.from >= b.from - kRounding && a.to <= b.to + kRounding;
        EXPECT_TRUE(apart || within || around)
            << thread.first << "/" << thread.second << ": " << a.from << "-" << a.to << ", "
            << b.from << "-" << b.to;
      }
}

TEST(ExportChromeTest, IsAnEventALine) {
  EXPECT_EQ(Export(kFinishedTrace), Golden("finished.chrome.json"));
}

TEST(ExportChromeTest, ShowsPatchesAsProcessesOfTheirOwn) {
  const std::string text = Export(kPatchedTrace);
  EXPECT_EQ(text, Golden("patched.chrome.json"));
  Json exported = Json::parse(text);
  ExpectNested(exported);
  std::map<int, std::string> names;
  std::map<int, Json> runs;
  for (const Json& event : exported["traceEvents"]) {
    if (event["name"] == "process_name") names[event["pid"]] = event["args"]["name"];
    if (event.value("cat", "") == "run") runs[event["pid"]] = event;
  }
  EXPECT_EQ(names, (std::map<int, std::string>{{1, "demo"},
                                               {2, "Patch 1: call 2 of f, replaced by patch 3"},
                                               {3, "Patch 2: f with other arguments"},
                                               {4, "Patch 3: call 2 of f"},
                                               {5, "Patch 4: call 9 of f"}}));
  ASSERT_EQ(runs.size(), 5u);
  EXPECT_EQ(runs[1]["name"], "GET /sum");
  EXPECT_EQ(runs[4]["name"], "f");
  EXPECT_EQ(runs[4]["ts"], 0.0);
  EXPECT_EQ(runs[4]["args"]["nightjar.result"], "8");
  EXPECT_EQ(runs[4]["args"]["nightjar.patch.in_force"], true);
  EXPECT_EQ(runs[2]["args"]["nightjar.patch.in_force"], false);
  EXPECT_EQ(runs[3]["args"]["nightjar.patch.other_arguments"], true);
}

TEST(ExportChromeTest, ShowsAKilledRunWithItsOpenCalls) {
  Json exported = Json::parse(Export(kKilledTrace));
  ExpectNested(exported);
  std::map<std::string, Json> by_name;
  for (const Json& event : exported["traceEvents"]) by_name[event["name"]] = event;
  EXPECT_EQ(by_name["outer"]["ts"], 0.01);
  EXPECT_EQ(by_name["outer"]["dur"], 1999999.99);
  EXPECT_EQ(by_name["outer"]["args"]["nightjar.end"], "still open when killed");
  EXPECT_EQ(by_name["deep"]["ts"], 1000000.0);
  EXPECT_EQ(by_name["deep"]["tid"], 1);
  EXPECT_EQ(by_name["lambda"]["args"]["nightjar.end"], "its return is missing");
  EXPECT_EQ(by_name["events are missing"]["args"]["nightjar.dropped"], 98);
  EXPECT_EQ(by_name["last moments"]["ts"], 1999999.0);
  EXPECT_EQ(by_name["Spin"]["args"]["nightjar.verdict"], "wall_time");
}

// A call whose start is missing has no caller, and what it overlaps is still open.
TEST(ExportChromeTest, ShowsCallsWithoutAPlaceOnAThreadOfTheirOwn) {
  Json exported = Json::parse(Export(R"(
    row { handler: "Work" verdict: VERDICT_CPU_TIME usage { wall_us: 10 } }
    events { seq: 1 at_ns: 100 call { call_id: 1 fn: "outer" } }
    events { seq: 50 at_ns: 200 gap { dropped: 49 } }
    events { seq: 51 at_ns: 300 call { call_id: 31 parent: 30 fn: "late" } }
    events { seq: 52 at_ns: 400 return { call_id: 31 elapsed_ns: 100 } }
    open_calls { call { call_id: 1 fn: "outer" } open_ns: 9900 })"));
  ExpectNested(exported);
  std::map<std::string, Json> by_name;
  for (const Json& event : exported["traceEvents"])
    if (event["ph"] == "X") by_name[event["name"]] = event;
  EXPECT_EQ(by_name["outer"]["tid"], 1);
  EXPECT_EQ(by_name["a call whose start is missing"]["tid"], 2);
  EXPECT_EQ(by_name["late"]["tid"], 2);
  EXPECT_EQ(by_name["late"]["ts"], 0.3);
  EXPECT_EQ(by_name["late"]["dur"], 0.1);
}

TEST(ExportChromeTest, NestsWhateverAWorkerWrote) {
  for (const char* text : kSenseless) {
    SCOPED_TRACE(text);
    ExpectNested(Json::parse(Export(text)));
    ExpectNested(Json::parse(Export(std::string("row { verdict: VERDICT_MEMORY } ") + text)));
  }
}

// Calls that overlap each other, more of them than there are threads for.
TEST(ExportChromeTest, CountsWhatHasNoThread) {
  std::string text = "row { usage { wall_us: 1000 } }";
  for (int call = 1; call <= 40; ++call)
    text += " events { at_ns: 500 call { call_id: " + std::to_string(call) + " fn: 'f' } }";
  for (int call = 1; call <= 40; ++call)
    text += " events { at_ns: 900 return { call_id: " + std::to_string(call) + " } }";
  Json exported = Json::parse(Export(text));
  ExpectNested(exported);
  EXPECT_EQ(exported["otherData"]["calls_left_out"], 24);
}

TEST(ExportChromeTest, NestsTenThousandCallsDeep) {
  std::string text = "row { verdict: VERDICT_CALL_DEPTH }";
  for (int call = 1; call <= 10'000; ++call)
    text += " events { at_ns: " + std::to_string(call) +
            " call { call_id: " + std::to_string(call) + " parent: " + std::to_string(call - 1) +
            " fn: 'f' } }";
  Json exported = Json::parse(Export(text));
  EXPECT_EQ(exported["traceEvents"].size(), 10'004u);
}

}  // namespace
}  // namespace nightjar::cli
