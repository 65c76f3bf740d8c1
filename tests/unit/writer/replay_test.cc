#include "supervisor/writer/replay.h"

#include <gmock/gmock.h>

#include "ipc/proto/replay.pb.h"
#include "supervisor/writer/trace_builder.h"
#include "tests/unit/writer/writer_rig.h"

namespace nightjar::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A trace, event by event.
class Trace {
 public:
  proto::TraceEvent& Add() {
    proto::TraceEvent& event = events_.emplace_back();
    event.set_seq(++seq_);
    return event;
  }
  proto::RunStart& Start() {
    proto::RunStart& start = *Add().mutable_run_start();
    start.set_run_id(std::string(run_.bytes()));
    return start;
  }
  void Call(uint64_t id, uint64_t parent, const std::string& fn,
            proto::CallKind kind = proto::CALL_KIND_BUILTIN) {
    proto::Call& call = *Add().mutable_call();
    call.set_call_id(id);
    call.set_parent(parent);
    call.set_fn(fn);
    call.set_kind(kind);
  }
  void Return(uint64_t id, int64_t result) {
    proto::Return& back = *Add().mutable_return_();
    back.set_call_id(id);
    back.mutable_result()->set_int_(result);
  }
  void Gap(uint64_t dropped) {
    seq_ += dropped - 1;
    Add().mutable_gap()->set_dropped(dropped);
  }

  proto::ReplayAnswer Replay() const {
    auto answer = MakeReplay(Object(), run_);
    EXPECT_TRUE(answer);
    return *answer;
  }
  Result<proto::ReplayAnswer> Function(const std::string& name, uint64_t call,
                                       const std::string& arguments = "") const {
    proto::ReplayFunction function;
    function.set_name(name);
    function.set_call(call);
    function.set_arguments_json(arguments);
    return MakeFunctionReplay(Object(), run_, function);
  }
  std::string id() const { return run_.ToString(); }

 private:
  std::string Object() const {
    Compressor compressor;
    TraceBuilder builder(compressor);
    for (const proto::TraceEvent& event : events_)
      builder.Append(event.SerializeAsString(), event.seq());
    proto::StoredRun stored;
    stored.mutable_row()->set_run_id(run_.ToString());
    return builder.Seal(stored);
  }

  const RunId run_ = RunAt(0);
  std::vector<proto::TraceEvent> events_;
  uint64_t seq_ = 0;
};

std::vector<std::string> CallsOf(const proto::ReplayAnswer& answer) {
  proto::Replay replay;
  EXPECT_TRUE(replay.ParseFromString(answer.replay()));
  std::vector<std::string> calls;
  for (const proto::RecordedCall& call : replay.calls())
    calls.push_back(call.fn() + "=" + std::to_string(call.result().int_()));
  return calls;
}

TEST(ReplayTest, HasTheInputAndWhatLeavesReturned) {
  Trace trace;
  proto::RunStart& start = trace.Start();
  start.mutable_input()->set_string("in");
  start.add_variables()->set_name("id");
  trace.Call(1, 0, "Date::now_v0");
  trace.Return(1, 11);
  trace.Call(2, 0, "List::map_v0");
  trace.Call(3, 2, "", proto::CALL_KIND_LAMBDA);
  trace.Call(4, 3, "Int::random_v1");
  trace.Return(4, 12);
  trace.Return(3, 12);
  trace.Return(2, 13);
  trace.Call(5, 0, "fib", proto::CALL_KIND_FUNCTION);
  trace.Return(5, 14);
  trace.Call(6, 0, "Date::now_v0");  // it never came back
  proto::ReplayAnswer answer = trace.Replay();
  EXPECT_EQ(answer.not_whole(), "");
  EXPECT_THAT(CallsOf(answer), ElementsAre("Date::now_v0=11", "Int::random_v1=12"));
  proto::Replay replay;
  ASSERT_TRUE(replay.ParseFromString(answer.replay()));
  EXPECT_EQ(replay.input().string(), "in");
  EXPECT_EQ(replay.variables(0).name(), "id");
}

TEST(ReplayTest, EndsAtTheFirstHole) {
  Trace trace;
  trace.Start().mutable_input();
  trace.Call(1, 0, "Date::now_v0");
  trace.Return(1, 1);
  trace.Gap(3);
  trace.Call(9, 0, "Date::now_v0");
  trace.Return(9, 2);
  EXPECT_THAT(CallsOf(trace.Replay()), ElementsAre("Date::now_v0=1"));
}

TEST(ReplayTest, SaysWhyARunCannotBeDoneAgain) {
  EXPECT_THAT(Trace().Replay().not_whole(), HasSubstr("does not have its input"));
  Trace cut;
  cut.Start().mutable_input()->mutable_truncated();
  EXPECT_THAT(cut.Replay().not_whole(), HasSubstr("too large for its trace"));
  Trace variables;
  proto::RunStart& start = variables.Start();
  start.mutable_input();
  start.set_variables_cut(true);
  EXPECT_THAT(variables.Replay().not_whole(), HasSubstr("route's variables"));
}

class FunctionReplayTest : public ::testing::Test {
 protected:
  FunctionReplayTest() {
    trace_.Start().mutable_input()->set_string("in");
    Clock(1, 0);
    for (uint64_t id : {2, 5}) {
      proto::Call& call = *trace_.Add().mutable_call();
      call.set_call_id(id);
      call.set_fn("price");
      call.set_kind(proto::CALL_KIND_FUNCTION);
      call.add_args()->set_int_(static_cast<int64_t>(id));
      Clock(id + 1, id);
      trace_.Call(id + 2, id, "round", proto::CALL_KIND_FUNCTION);
      trace_.Return(id + 2, 0);
      trace_.Return(id, 0);
    }
    Clock(8, 0);
  }
  void Clock(uint64_t id, uint64_t parent) {
    trace_.Call(id, parent, "Date::now_v0");
    trace_.Return(id, static_cast<int64_t>(id));
  }
  std::string Refusal(const std::string& name, uint64_t call) {
    auto answer = trace_.Function(name, call);
    EXPECT_EQ(answer.error().code, ErrorCode::kNotFound);
    return answer.error().ToString();
  }
  Trace trace_;
};

TEST_F(FunctionReplayTest, HasTheArgumentsOfACallAndWhatWasReturnedInIt) {
  auto answer = trace_.Function("price", 2);
  ASSERT_TRUE(answer) << answer.error().ToString();
  EXPECT_EQ(answer->not_whole(), "");
  EXPECT_THAT(CallsOf(*answer), ElementsAre("Date::now_v0=6"));
  proto::Replay replay;
  ASSERT_TRUE(replay.ParseFromString(answer->replay()));
  EXPECT_FALSE(replay.has_input());
  EXPECT_EQ(replay.function().name(), "price");
  ASSERT_EQ(replay.function().args_size(), 1);
  EXPECT_EQ(replay.function().args(0).int_(), 5);
  EXPECT_EQ(answer->patch().run_id(), trace_.id());
  EXPECT_EQ(answer->patch().function(), "price");
  EXPECT_EQ(answer->patch().call(), 2u);
  EXPECT_EQ(answer->patch().call_id(), 5u);
}

TEST_F(FunctionReplayTest, WithOtherArgumentsAllOfTheTraceAnswers) {
  auto answer = trace_.Function("other", 0, "[1]");
  ASSERT_TRUE(answer) << answer.error().ToString();
  EXPECT_EQ(CallsOf(*answer).size(), 4u);
  proto::Replay replay;
  ASSERT_TRUE(replay.ParseFromString(answer->replay()));
  EXPECT_EQ(replay.function().arguments_json(), "[1]");
  EXPECT_EQ(answer->patch().call_id(), 0u);
}

TEST_F(FunctionReplayTest, SaysWhichCallsThereAre) {
  EXPECT_EQ(Refusal("prise", 1), "this trace calls no function `prise`; did you mean `price`?");
  EXPECT_EQ(Refusal("price", 3), "this trace calls function `price` 2 times: there is no call 3");
  EXPECT_EQ(Refusal("Date::now_v0", 1), "this trace calls no function `Date::now_v0`");
  trace_.Gap(3);
  auto behind = trace_.Function("price", 3);
  ASSERT_TRUE(behind);
  EXPECT_THAT(behind->not_whole(), HasSubstr("a hole in the trace"));
  Trace cut;
  cut.Start();
  proto::Call& large = *cut.Add().mutable_call();
  large.set_call_id(1);
  large.set_fn("price");
  large.set_kind(proto::CALL_KIND_FUNCTION);
  large.add_args()->mutable_truncated();
  EXPECT_THAT(cut.Function("price", 1)->not_whole(), HasSubstr("too large for its trace"));
}

TEST(ReplayTest, IsBounded) {
  Trace trace;
  trace.Start().mutable_input();
  for (uint64_t id = 1; id <= 1500; ++id) {
    trace.Call(id, 0, "String::random_v2");
    trace.Add().mutable_return_()->set_call_id(id);
  }
  EXPECT_EQ(CallsOf(trace.Replay()).size(), 1500u);
  Trace large;
  large.Start().mutable_input();
  for (uint64_t id = 1; id <= 1500; ++id) {
    large.Call(id, 0, "String::random_v2");
    proto::Return& back = *large.Add().mutable_return_();
    back.set_call_id(id);
    back.mutable_result()->set_string(std::string(4000, 'x'));
  }
  proto::ReplayAnswer answer = large.Replay();
  EXPECT_LT(answer.replay().size(), bounds::kReplayBytes + 64 * 1024);
  EXPECT_GT(CallsOf(answer).size(), 900u);
}

TEST(ReplayTest, OfADamagedTraceIsWhatCanBeRead) {
  auto nothing = MakeReplay("no trace at all", RunAt(0));
  ASSERT_TRUE(nothing);
  EXPECT_NE(nothing->not_whole(), "");
  EXPECT_THAT(CallsOf(*nothing), IsEmpty());
}

}  // namespace
}  // namespace nightjar::testing
