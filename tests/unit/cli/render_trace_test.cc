#include "supervisor/cli/render_trace.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/cli/messages.h"

namespace nightjar::cli {
namespace {

using ::testing::HasSubstr;

std::string Render(const std::string& text, Detail detail = Detail::kShort,
                   Paint::Colours colours = Paint::Colours::kOff) {
  return RenderTrace(FromText<proto::TraceDocument>(text), detail, Paint(colours));
}

// Only the tree and what follows: the header has a test of its own.
std::string TreeOf(const std::string& text, Detail detail = Detail::kShort) {
  std::string rendered = Render(text, detail);
  return rendered.substr(rendered.find("\n\n") + 2);
}

constexpr char kFinished[] = "row { verdict: VERDICT_FINISHED }";

TEST(RenderTraceTest, ShowsTheRouteAndWhatItRepeats) {
  std::string text = Render(R"(
    row { verdict: VERDICT_FINISHED rerun_of: "fe6c1a2b" }
    events { seq: 1 run_start { input { int: 1 } variables { name: "id" value: "7\n" }
      variables_cut: true } })");
  EXPECT_THAT(text, HasSubstr("does fe6c1a2b again\n\ninput 1\nroute id = 7\\n\nroute ... more"));
}

TEST(RenderTraceTest, ShowsPatchesBehindTheirTraceAndSaysSoAtTheirCalls) {
  std::string text = TreeOf(R"(
    row { verdict: VERDICT_FINISHED }
    events { seq: 1 call { call_id: 1 kind: CALL_KIND_FUNCTION fn: "f" } }
    events { seq: 2 return { call_id: 1 result { int: 5 } elapsed_ns: 1000 } }
    events { seq: 3 call { call_id: 2 kind: CALL_KIND_FUNCTION fn: "f" } }
    events { seq: 4 return { call_id: 2 result { int: 6 } elapsed_ns: 1000 } }
    patches { row { patch { function: "f" call: 2 call_id: 2 } } }
    patches { row { patch { function: "g" } } }
    patches { row { patch { function: "f" call: 2 call_id: 2 } }
      events { seq: 1 run_end { result { int: 7 } } } })");
  EXPECT_THAT(text, HasSubstr("  f() = 5  1.00 us\n  f() = 6  1.00 us  newer: patch 3 below\n"));
  EXPECT_THAT(text, HasSubstr("\nPatch 1: call 2 of f\n"));
  EXPECT_THAT(text, HasSubstr("\nPatch 2: g with other arguments\n"));
  EXPECT_LT(text.find("Patch 3: call 2 of f\n"), text.find("result 7\n"));
}

TEST(RenderTraceTest, SaysWhatDarkDidNotStore) {
  std::string text = Render(R"(
    row { canvas: "demo" handler: "GET /x" imported_from: "fe7bb8b1" caller: "uid 0"
          imported_received_unix_us: 1667643630400000 received_unix_us: 1732448403123456 }
    events { seq: 1 run_start { input { int: 1 } } }
    events { seq: 2 call { call_id: 1 kind: CALL_KIND_BUILTIN fn: "Date::now" } }
    events { seq: 3 return { call_id: 1 result { int: 5 } } }
    events { seq: 4 call { call_id: 2 kind: CALL_KIND_FUNCTION fn: "f" args { int: 2 } } })");
  EXPECT_THAT(text, HasSubstr("GET /x  imported from classic Dark\nDark's trace fe7bb8b1, at "));
  EXPECT_THAT(text, HasSubstr("Dark stored no answer, no status, no times"));
  EXPECT_THAT(text, HasSubstr("  Date::now() = 5\n"));
  EXPECT_THAT(text, HasSubstr("  f(2)  its result is not stored\n"));
}

TEST(RenderTraceTest, ShowsCallsWithValuesIterationsBranchesAndTimes) {
  std::string text = R"(
    row {
      run_id: "fe6c1a2b-0000-4000-8000-000000000001" canvas: "demo" handler: "GET /sum" revision: 3
      received_unix_us: 1732448403123456 verdict: VERDICT_FINISHED http_status: 200
      request_line: "GET /sum?n=2" caller: "127.0.0.1"
      usage { wall_us: 1234 cpu_us: 900 memory_peak_bytes: 2097152 queue_us: 20 }
    }
    events { seq: 1 run_start { input { object { fields { key: "n" value { int: 2 } } } } } }
    events { seq: 2 call { call_id: 1 kind: CALL_KIND_FUNCTION fn: "sum" args { int: 2 } } }
    events { seq: 3 branch { expr_id: 9 arm: 1 } }
    events { seq: 4 call { call_id: 2 parent: 1 kind: CALL_KIND_BUILTIN fn: "List::map_v0"
      args { list { items { int: 1 } items { int: 2 } } } args { function: "lambda" } } }
    events { seq: 5 call { call_id: 3 parent: 2 kind: CALL_KIND_LAMBDA expr_id: 5
      args { int: 1 } } }
    events { seq: 6 call { call_id: 4 parent: 3 kind: CALL_KIND_BUILTIN fn: "Int::add_v0"
      args { int: 1 } args { int: 1 } result { int: 2 } } }
    events { seq: 7 return { call_id: 3 result { int: 2 } elapsed_ns: 900 } }
    events { seq: 8 call { call_id: 5 parent: 2 kind: CALL_KIND_LAMBDA expr_id: 5
      args { int: 2 } } }
    events { seq: 9 return { call_id: 5 result { int: 3 } elapsed_ns: 1100 } }
    events { seq: 10 return { call_id: 2 elapsed_ns: 5000
      result { list { items { int: 2 } items { int: 3 } } } } }
    events { seq: 11 return { call_id: 1 result { int: 5 } elapsed_ns: 1000000 } }
    events { seq: 12 run_end { result { response { status: 200 body { int: 5 } } } } })";
  EXPECT_EQ(
      Render(text),
      "GET /sum?n=2  finished 200\n"
      "canvas demo revision 3, handler GET /sum, at 2024-11-24 11:40:03.123Z, from 127.0.0.1\n"
      "wall 1.23 ms, cpu 900 us, memory 2.0 MiB, waited 20 us, trace "
      "fe6c1a2b-0000-4000-8000-000000000001\n"
      "\n"
      "input { n: 2 }\n"
      "  sum(2) = 5  1.00 ms\n"
      "    branch, arm 1\n"
      "    List::map_v0([1, 2], <fn lambda>) = [2, 3]  5.00 us\n"
      "      #1 lambda(1) = 2  900 ns\n"
      "        Int::add_v0(1, 1) = 2\n"
      "      #2 lambda(2) = 3  1.10 us\n"
      "result response 200 5\n");
}

TEST(RenderTraceTest, ShowsAProgramsOutputLineByLine) {
  std::string text = R"(
    row { verdict: VERDICT_FINISHED }
    events { seq: 1 call { call_id: 1 kind: CALL_KIND_PROGRAM fn: "/bin/sh" args { string: "x" } } }
    events { seq: 2 output { stream: 1 data: "one\ntwo \033[31m\n" } }
    events { seq: 3 output { stream: 2 data: "half" } }
    events { seq: 4 return { call_id: 1 result { int: 3 } elapsed_ns: 900 } })";
  EXPECT_THAT(Render(text), ::testing::HasSubstr("  /bin/sh(\"x\") = 3  900 ns\n"
                                                 "    stdout  one\n"
                                                 "    stdout  two \\x1b[31m\n"
                                                 "    stderr  half\n"));
}

TEST(RenderTraceTest, MarksWhatWasOpenWhenTheRunWasKilled) {
  std::string text = R"(
    row { verdict: VERDICT_CPU_TIME }
    events { seq: 1 call { call_id: 1 fn: "outer" } }
    events { seq: 2 call { call_id: 2 parent: 1 fn: "inner" args { int: 7 } } }
    open_calls { call { call_id: 1 fn: "outer" } open_ns: 2000000000 })";
  EXPECT_EQ(TreeOf(text),
            "  outer()  still open when killed, after 2.000 s\n"
            "    inner(7)  still open when killed\n");
}

TEST(RenderTraceTest, SaysWhatIsMissingWhereItIs) {
  std::string text = R"(
    row { verdict: VERDICT_CPU_TIME usage { trace_dropped: 98 } }
    events { seq: 1 call { call_id: 1 fn: "outer" } }
    events { seq: 2 gap { dropped: 98 } }
    events { seq: 101 call { call_id: 60 parent: 59 fn: "late" } }
    events { seq: 102 return { call_id: 58 result { int: 1 } elapsed_ns: 10 } }
    tail { seq: 200 at_ns: 1500000000 call { call_id: 99 fn: "last" args { int: 1 } } }
    tail { seq: 201 at_ns: 1500000100 return { call_id: 99 result { int: 2 } elapsed_ns: 100 } }
    tail { seq: 202 at_ns: 1500000200 branch { arm: 2 } }
    open_calls { call { call_id: 1 fn: "outer" } open_ns: 3000 }
    open_calls { call { call_id: 70 parent: 1 fn: "deep" args { int: 4 } } open_ns: 2000 })";
  EXPECT_EQ(TreeOf(text),
            "  outer()  still open when killed, after 3.00 us\n"
            "    --- 98 events are missing here ---\n"
            "    deep(4)  still open when killed, after 2.00 us\n"
            "  a call whose start is missing  its return is missing\n"
            "    late()  its return is missing\n"
            "  a call whose start is missing = 1  10 ns\n"
            "\n"
            "Its last moments:\n"
            "  +1.500 s  call   last(1)\n"
            "  +1.500 s  return 2  after 100 ns\n"
            "  +1.500 s  branch, arm 2\n"
            "\n"
            "98 events were dropped: the trace was full.\n");
}

TEST(RenderTraceTest, SaysThatAStoredTraceIsDamagedOrWasRefused) {
  std::string text = R"(row { verdict: VERDICT_PROTOCOL } incomplete_object: true
    stream_refused: "a record of 0 bytes" events_left_out: 1)";
  EXPECT_EQ(TreeOf(text),
            "\nThe stored trace is damaged: this is what could be read.\n"
            "The worker broke its ring after the last event: a record of 0 bytes\n"
            "1 event is stored but too much for one answer.\n");
}

TEST(RenderTraceTest, CutsLongLoopsInTheMiddle) {
  std::string text = kFinished;
  text += " events { call { call_id: 1 fn: 'each' } }";
  for (int i = 2; i < 102; ++i)
    text += " events { call { call_id: " + std::to_string(i) +
            " parent: 1 kind: CALL_KIND_LAMBDA result { null {} } } }";
  std::string tree = TreeOf(text);
  EXPECT_NE(tree.find("    #24 lambda() = null\n    ... 72 more of this call's steps: --full shows "
                      "them\n    #97 lambda() = null\n"),
            std::string::npos)
      << tree;
  tree = TreeOf(text, Detail::kFull);
  EXPECT_NE(tree.find("#60 lambda()"), std::string::npos);
}

TEST(RenderTraceTest, StopsAfterSomeHundredLines) {
  std::string text = kFinished;
  for (int i = 1; i <= 1000; ++i)
    text += " events { call { call_id: " + std::to_string(i) + " parent: " + std::to_string(i - 1) +
            " fn: 'f' } }";
  std::string tree = TreeOf(text);
  EXPECT_EQ(std::count(tree.begin(), tree.end(), '\n'), 401);
  EXPECT_NE(tree.find("... more follows: --full shows all of it"), std::string::npos);
  tree = TreeOf(text, Detail::kFull);
  EXPECT_EQ(std::count(tree.begin(), tree.end(), '\n'), 1000);
  EXPECT_NE(tree.find("[1000] f()"), std::string::npos);
}

// Whatever a worker wrote: no crash, no endless loop, no event twice.
TEST(RenderTraceTest, SurvivesEventsThatMakeNoSense) {
  const char* kNonsense[] = {
      "events { call { call_id: 1 parent: 1 fn: 'own parent' } }",
      "events { call { call_id: 1 parent: 2 fn: 'a' } } events { call { call_id: 2 parent: 1 } }",
      "events { call { call_id: 0 fn: 'zero' } }",
      "events { return { call_id: 0 } } events { return { call_id: 7 } }",
      "events { call { call_id: 1 fn: 'a' } } events { call { call_id: 1 fn: 'a' } }",
      "events { return { call_id: 3 } } events { return { call_id: 3 } } events { branch {} }",
      "events {} tail {} open_calls {} open_calls {}",
      "open_calls { call { call_id: 2 parent: 1 } } open_calls { call { call_id: 1 parent: 2 } }",
      "open_calls { call { call_id: 5 parent: 5 } } events { call { call_id: 9 parent: 5 } }",
  };
  for (const char* text : kNonsense) EXPECT_FALSE(Render(text, Detail::kFull).empty()) << text;
}

TEST(RenderTraceTest, ColoursOnlyWhereTheyAreWanted) {
  std::string text = R"(row { verdict: VERDICT_FINISHED } events { call { call_id: 1 fn: "f" } })";
  EXPECT_EQ(Render(text).find('\x1b'), std::string::npos);
  EXPECT_NE(Render(text, Detail::kShort, Paint::Colours::kOn).find("\x1b[36mf\x1b[0m("),
            std::string::npos);
}

}  // namespace
}  // namespace nightjar::cli
