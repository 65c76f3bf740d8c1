#include "worker/trace/recorder.h"

#include <gmock/gmock.h>

#include "tests/unit/trace/trace_rig.h"

namespace nightjar::testing {
namespace {

constexpr uint64_t kPlenty = 64 * bounds::kMiB;

TEST(RecorderTest, WritesARunAsEventsThatParse) {
  TraceRig rig;
  Recorder& recorder = rig.recorder();
  RunId run = RunId::New({});
  rig.Start(kPlenty, run);
  uint64_t outer = rig.Open("fib", {Int(-3), Text("x")});
  recorder.TakeBranch(11, 1);
  std::vector<TestValue> two = {Int(1), Int(2)};
  recorder.PureCall<TestValue>("Int::add_v0", 12, two, Int(3));
  uint64_t inner = rig.Open("fib");
  recorder.CloseCall(inner, Int(5));
  recorder.CloseCall(outer, Text("done"));
  recorder.FinishRun(Text("bye"));

  auto events = rig.Drain();
  ASSERT_EQ(events.size(), 8u);
  ExpectNoUnexplainedHole(events);
  EXPECT_EQ(events[0].run_start().run_id(), run.bytes());
  EXPECT_EQ(events[0].run_start().input().int_(), 1);

  const proto::Call& call = events[1].call();
  EXPECT_EQ(call.call_id(), outer);
  EXPECT_EQ(call.parent(), 0u);
  EXPECT_EQ(call.kind(), proto::CALL_KIND_FUNCTION);
  EXPECT_EQ(call.fn(), "fib");
  EXPECT_EQ(call.expr_id(), 7u);
  ASSERT_EQ(call.args_size(), 2);
  EXPECT_EQ(call.args(0).int_(), -3);
  EXPECT_EQ(call.args(1).string(), "x");

  EXPECT_EQ(events[2].branch().expr_id(), 11u);
  EXPECT_EQ(events[2].branch().arm(), 1u);
  EXPECT_EQ(events[3].call().kind(), proto::CALL_KIND_BUILTIN);
  EXPECT_EQ(events[3].call().parent(), outer);
  EXPECT_EQ(events[3].call().result().int_(), 3);
  EXPECT_EQ(events[4].call().parent(), outer);
  EXPECT_EQ(events[5].return_().call_id(), inner);
  EXPECT_EQ(events[5].return_().result().int_(), 5);
  EXPECT_EQ(events[6].return_().call_id(), outer);
  EXPECT_EQ(events[7].run_end().result().string(), "bye");
  EXPECT_EQ(recorder.events(), 8u);
  EXPECT_EQ(recorder.dropped(), 0u);
  EXPECT_FALSE(recorder.overflowed());
  EXPECT_TRUE(rig.Evidence().newest.empty());
}

TEST(RecorderTest, WritesWhatAProgramPrintsInBoundedPieces) {
  TraceRig rig;
  rig.Start(kPlenty);
  rig.recorder().Output(Recorder::Stream::kStandardOutput, "a line\n");
  rig.recorder().Output(Recorder::Stream::kStandardError, std::string(10'000, '\xff'));
  rig.recorder().FinishRun(Int(0));
  auto events = rig.Drain();
  ASSERT_EQ(events.size(), 4u);
  EXPECT_EQ(events[1].output().stream(), 1u);
  EXPECT_EQ(events[1].output().data(), "a line\n");
  EXPECT_EQ(events[2].output().stream(), 2u);
  EXPECT_EQ(events[2].output().data(), std::string(bounds::kTraceValueBytes, '\xff'));
}

TEST(RecorderTest, RecordsNothingWithoutABudget) {
  TraceRig rig;
  rig.Start(0);
  uint64_t call = rig.Open("f");
  rig.recorder().CloseCall(call, Int(1));
  rig.recorder().FinishRun(Int(1));
  EXPECT_TRUE(rig.Drain().empty());
  EXPECT_EQ(rig.recorder().events(), 0u);
}

TEST(RecorderTest, ClosesCallsThatWereLeftWithoutAResult) {
  TraceRig rig;
  rig.Start(kPlenty);
  uint64_t outer = rig.Open("outer");
  rig.Open("left");
  rig.Open("left too");
  rig.recorder().CloseCall(outer, Int(1));
  rig.recorder().CloseCall(outer, Int(2));
  uint64_t next = rig.Open("next");
  auto events = rig.Drain();
  ASSERT_EQ(events.size(), 6u);
  EXPECT_EQ(events[4].return_().call_id(), outer);
  EXPECT_EQ(events[5].call().call_id(), next);
  EXPECT_EQ(events[5].call().parent(), 0u);
}

TEST(RecorderTest, SeparatesTheRunsOfAReusedWorker) {
  TraceRig rig;
  for (uint64_t i = 0; i < 3; ++i) {
    RunId run = RunId::New({});
    rig.Start(kPlenty, run);
    uint64_t call = rig.Open("f");
    EXPECT_EQ(call, 1u);
    EXPECT_EQ(rig.Counters().run, run);
    rig.recorder().CloseCall(call, Int(1));
    rig.recorder().FinishRun(Int(1));
    auto events = rig.Drain();
    ASSERT_EQ(events.size(), 4u);
    EXPECT_EQ(events[0].run_start().run_id(), run.bytes());
    ExpectNoUnexplainedHole(events);
    RingCounters counters = rig.Counters();
    EXPECT_EQ(counters.events, 4u);
    EXPECT_EQ(counters.bytes, rig.recorder().bytes());
    EXPECT_EQ(counters.dropped, 0u);
  }
}

TEST(RecorderTest, KeepsToItsBudgetAndStillEndsTheRun) {
  for (uint64_t budget : {1ul, 4096ul, 20000ul, 300000ul}) {
    SCOPED_TRACE(budget);
    TraceRig rig;
    rig.Start(budget);
    uint64_t outer = rig.Open("outer");
    uint64_t loops = 0;
    while (!rig.recorder().overflowed()) {
      uint64_t call = rig.Open("loop", {Text(std::string(loops++ % 50, 'x'))});
      rig.recorder().CloseCall(call, Int(1));
    }
    for (int i = 0; i < 1000; ++i) rig.recorder().TakeBranch(1, 0);
    rig.recorder().CloseCall(outer, Text(std::string(5000, 'r')));
    rig.recorder().FinishRun(Text(std::string(100000, 'e')));

    auto events = rig.Drain();
    ExpectNoUnexplainedHole(events);
    uint64_t bytes = 0, dropped = 0;
    for (const auto& event : events) {
      bytes += event.ByteSizeLong();  // shorter than in the ring, whose lengths take two bytes each
      dropped += event.gap().dropped();
    }
    EXPECT_LE(rig.recorder().bytes(), std::max<uint64_t>(budget, bounds::kTraceLeastBytes));
    EXPECT_LE(bytes, rig.recorder().bytes());
    EXPECT_EQ(dropped, rig.recorder().dropped());
    EXPECT_GE(dropped, 1000u);
    EXPECT_EQ(events.back().seq(), rig.recorder().events());
    EXPECT_TRUE(events.back().has_run_end());
    EXPECT_TRUE(events.back().run_end().result().has_truncated());
    const auto& before = events[events.size() - 2];
    EXPECT_EQ(before.return_().call_id(), outer) << "the spine's return had room in the reserve";
  }
}

TEST(RecorderTest, PutsTheNewestDroppedEventsIntoTheTail) {
  TraceRig rig;
  rig.Start(4096);
  for (int i = 0; i < 20000; ++i) rig.recorder().TakeBranch(static_cast<uint64_t>(i), 1);
  RingEvidence evidence = rig.Evidence();
  ASSERT_GT(evidence.newest.size(), 1000u);
  uint64_t expected = rig.recorder().events() - evidence.newest.size();
  for (const std::string& record : evidence.newest)
    EXPECT_EQ(TraceRig::Parse(record).seq(), ++expected);
  EXPECT_EQ(TraceRig::Parse(evidence.newest.back()).branch().expr_id(), 19999u);
  EXPECT_EQ(evidence.counters.dropped, rig.recorder().dropped());

  rig.Start(4096);
  EXPECT_TRUE(rig.Evidence().newest.empty()) << "a new run starts with an empty tail";
}

TEST(RecorderTest, KeepsTheSpineOfAnEndlessRecursion) {
  constexpr uint64_t kDepth = 10000;
  constexpr uint64_t kFrames = bounds::kSpineFrames;
  TraceRig rig;
  rig.Start(16384);
  std::vector<std::string> names;
  for (uint64_t i = 0; i < kDepth; ++i) names.push_back("f" + std::to_string(i));
  for (const std::string& name : names) rig.Open(name, {Int(1)});

  auto expect_spine = [&](uint64_t open) {
    RingEvidence evidence = rig.Evidence();
    EXPECT_EQ(evidence.open_calls, open);
    ASSERT_EQ(evidence.frames.size(), 2 * kFrames);
    for (uint64_t i = 0; i < 2 * kFrames; ++i) {
      uint64_t depth = i < kFrames ? i : open - 2 * kFrames + i;
      EXPECT_EQ(evidence.frames[i].depth, depth);
      EXPECT_EQ(evidence.frames[i].call_id, depth + 1);
      EXPECT_EQ(evidence.frames[i].expr_id, 7u);
      EXPECT_EQ(evidence.frames[i].kind, 1u);
      EXPECT_EQ(evidence.frames[i].fn, names[depth]);
    }
  };
  expect_spine(kDepth);
  // Returning brings back the frames that deeper ones had displaced.
  for (uint64_t call = kDepth; call > 1000; --call) rig.recorder().CloseCall(call, Int(1));
  expect_spine(1000);
  rig.recorder().CloseCall(101, Int(1));
  expect_spine(100);
  for (uint64_t call = 100; call > 0; --call) {
    rig.recorder().CloseCall(call, Int(1));
    EXPECT_EQ(rig.Evidence().frames.size(), std::min(call - 1, 2 * kFrames));
  }
}

// How often a loop that never ends had gone round.
TEST(RecorderTest, TheSpineCountsTheCallsThatEachCallHasMade) {
  constexpr uint64_t kRounds = 1000;
  TraceRig rig;
  rig.Start(1 << 16);
  rig.Open("fold", {Int(1)});
  for (uint64_t i = 0; i < kRounds; ++i) {
    rig.Open("round", {Int(1)});
    rig.recorder().CloseCall(2 + i, Int(1));
  }
  // So deep that its frame is displaced, and brought back with its count.
  constexpr uint64_t kMore = 3 * bounds::kSpineFrames;
  for (uint64_t i = 0; i < kMore; ++i) rig.Open("deeper", {Int(1)});
  EXPECT_EQ(rig.Evidence().frames.front().calls, kRounds + 1);
  EXPECT_EQ(rig.Evidence().frames.back().calls, 0u);
  uint64_t last = 1 + kRounds + kMore;
  for (uint64_t i = 0; i + 2 < kMore; ++i) rig.recorder().CloseCall(last - i, Int(1));
  RingEvidence evidence = rig.Evidence();
  ASSERT_EQ(evidence.frames.size(), 3u);
  for (const OpenFrame& frame : evidence.frames)
    EXPECT_EQ(frame.calls, frame.depth == 0 ? kRounds + 1 : 1u) << frame.depth;
}

TEST(RecorderTest, GoesOnWhenNobodyDrainsAndSaysWhatWasLost) {
  TraceRig rig;
  RunId first = RunId::New({}), second = RunId::New({});
  rig.Start(kPlenty, first);
  while (rig.recorder().dropped() == 0) rig.recorder().TakeBranch(1, 1);
  rig.recorder().FinishRun(Int(1));
  EXPECT_FALSE(rig.recorder().overflowed()) << "the ring was full, not the budget used up";

  // The second run's start finds no room; once there is some, it comes before anything else of that
  // run.
  rig.Start(kPlenty, second);
  rig.recorder().TakeBranch(2, 1);
  EXPECT_EQ(rig.recorder().dropped(), 2u);
  auto events = rig.Drain();
  EXPECT_EQ(events.front().run_start().run_id(), first.bytes());
  ExpectNoUnexplainedHole(events);

  rig.recorder().TakeBranch(3, 1);
  rig.recorder().FinishRun(Int(1));
  events = rig.Drain();
  ASSERT_EQ(events.size(), 4u);
  ExpectNoUnexplainedHole(events);
  EXPECT_EQ(events[0].run_start().run_id(), second.bytes());
  EXPECT_EQ(events[1].gap().dropped(), 1u);
  EXPECT_EQ(events[2].branch().expr_id(), 3u);
  EXPECT_EQ(rig.recorder().dropped(), 1u);
}

TEST(RecorderTest, BoundsACallOfManyLargeArguments) {
  TraceRig rig;
  rig.Start(kPlenty);
  for (size_t count : {3, 10, 500}) {
    std::vector<TestValue> args(count, Text(std::string(100000, 'a')));
    rig.recorder().PureCall<TestValue>(std::string(1000, 'f'), 1, args,
                                       Text(std::string(9000, 'r')));
  }
  auto events = rig.Drain();
  ASSERT_EQ(events.size(), 4u);
  EXPECT_EQ(events[1].call().args_size(), 3);
  EXPECT_EQ(events[2].call().args_size(), 10);
  EXPECT_EQ(static_cast<size_t>(events[3].call().args_size()), bounds::kTraceArgs);
  for (int i = 1; i < 4; ++i) {
    EXPECT_EQ(events[i].call().fn().size(), bounds::kTraceNameBytes);
    for (const auto& arg : events[i].call().args()) {
      EXPECT_TRUE(arg.has_truncated());
      EXPECT_GE(arg.truncated().bytes(), 100000u);
      EXPECT_GT(arg.string().size(), 50u);
    }
    EXPECT_TRUE(events[i].call().result().has_truncated());
    EXPECT_GT(events[i].call().result().string().size(), 4000u);
  }
}

}  // namespace
}  // namespace nightjar::testing
