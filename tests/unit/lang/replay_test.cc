// Doing a run again as its trace shows it.
#include <gmock/gmock.h>

#include "tests/unit/lang/engine_rig.h"

namespace nightjar {
namespace {

using testing::EngineRig;
using ::testing::HasSubstr;

constexpr const char* kImpure = R"(
[http-handler GET /who/:name]
let id = Uuid.generate
let word = String.random 8
let more = List.map_v0 [1; 2] (fun x -> Int.random_v1 0 1000000)
[name; Date.toString_v0 (Date.now); toString id; word; toString more; request.url]
)";

// What the writer makes of the last run's trace; tests/unit/writer tests that.
proto::Replay ReplayOf(const EngineRig& rig) {
  proto::Replay replay;
  *replay.mutable_input() = rig.events[0].run_start().input();
  *replay.mutable_variables() = rig.events[0].run_start().variables();
  std::map<uint64_t, std::string> open;
  for (const proto::TraceEvent& event : rig.events) {
    if (event.has_call() && event.call().kind() == proto::CALL_KIND_BUILTIN &&
        !event.call().has_result())
      open[event.call().call_id()] = event.call().fn();
    if (!event.has_return_() || open.count(event.return_().call_id()) == 0) continue;
    proto::RecordedCall& call = *replay.add_calls();
    call.set_fn(open[event.return_().call_id()]);
    *call.mutable_result() = event.return_().result();
  }
  return replay;
}

class ReplayTest : public ::testing::Test {
 protected:
  ReplayTest() {
    rig_.Load(kImpure);
    rig_.request.set_method("GET");
    rig_.request.set_url("http://demo/who/ada?x=1");
    proto::Header& variable = *rig_.request.add_route_vars();
    variable.set_name("name");
    variable.set_value("ada");
    rig_.AddHeader("accept", "text/plain");
  }

  EngineRig rig_;
  const std::string handler_ = "GET /who/:name";
};

TEST_F(ReplayTest, TheTraceHasTheRoutesVariables) {
  EXPECT_THAT(rig_.Run(handler_).body, HasSubstr("ada"));
  const proto::RunStart& start = rig_.events[0].run_start();
  ASSERT_EQ(start.variables_size(), 1);
  EXPECT_EQ(start.variables(0).name(), "name");
  EXPECT_EQ(start.variables(0).value(), "ada");
  EXPECT_FALSE(start.variables_cut());
}

TEST_F(ReplayTest, VariablesThatDoNotFitAreSaidToBeMissing) {
  rig_.request.mutable_route_vars(0)->set_value(std::string(bounds::kTraceVariablesBytes, 'x'));
  rig_.Run(handler_);
  EXPECT_EQ(rig_.events[0].run_start().variables_size(), 0);
  EXPECT_TRUE(rig_.events[0].run_start().variables_cut());
}

TEST_F(ReplayTest, HiddenVariablesAreHiddenInTheTrace) {
  rig_.limits.mutable_redaction()->add_drop("name");
  EXPECT_THAT(rig_.Run(handler_).body, HasSubstr("ada"));
  ASSERT_EQ(rig_.events[0].run_start().variables_size(), 1);
  EXPECT_EQ(rig_.events[0].run_start().variables(0).value(), "<redacted>");
}

TEST_F(ReplayTest, ARunThatIsDoneAgainAnswersTheSame) {
  RunOutcome first = rig_.Run(handler_);
  ASSERT_FALSE(first.program_error) << first.error;
  proto::Replay replay = ReplayOf(rig_);
  std::vector<proto::TraceEvent> before = rig_.events;
  RunOutcome again = rig_.RunAgain(handler_, replay);
  EXPECT_EQ(again.body, first.body);
  EXPECT_EQ(again.calls_answered, 5u);  // two of them random numbers
  EXPECT_EQ(again.calls_live, 0u);
  // The new trace says all that the old one does.
  ASSERT_EQ(rig_.events.size(), before.size());
  for (size_t i = 0; i < before.size(); ++i) {
    EXPECT_EQ(rig_.events[i].call().fn(), before[i].call().fn());
    EXPECT_EQ(rig_.events[i].return_().result().SerializeAsString(),
              before[i].return_().result().SerializeAsString());
  }
  EXPECT_EQ(rig_.events[0].run_start().input().SerializeAsString(),
            before[0].run_start().input().SerializeAsString());
}

TEST_F(ReplayTest, LiveCallsAreMade) {
  RunOutcome first = rig_.Run(handler_);
  RunOutcome again = rig_.RunAgain(handler_, ReplayOf(rig_), /*live=*/true);
  EXPECT_NE(again.body, first.body);
  EXPECT_THAT(again.body, HasSubstr("http://demo/who/ada?x=1"));
  EXPECT_EQ(again.calls_answered, 0u);
}

TEST_F(ReplayTest, CallsThatTheTraceDoesNotHaveAreMadeAndCounted) {
  RunOutcome first = rig_.Run(handler_);
  proto::Replay replay = ReplayOf(rig_);
  rig_.Load(R"(
[http-handler GET /who/:name]
let id = Uuid.generate
let other = Uuid.generate
[toString id; toString other; Date.toString_v0 (Date.today)]
)");
  RunOutcome again = rig_.RunAgain(handler_, replay);
  EXPECT_EQ(again.calls_answered, 1u);
  EXPECT_EQ(again.calls_live, 2u);
  std::string id = again.body.substr(again.body.find('"'), 38);
  EXPECT_THAT(first.body, HasSubstr(id));
}

TEST_F(ReplayTest, AResultThatIsNotWholeEndsWhatIsAnsweredOfItsFunction) {
  rig_.Run(handler_);
  proto::Replay replay = ReplayOf(rig_);
  for (proto::RecordedCall& call : *replay.mutable_calls())
    if (call.fn().find("random") != std::string::npos && call.fn().find("Int") == 0) {
      call.mutable_result()->mutable_truncated()->set_bytes(9);
      break;  // the first of two
    }
  RunOutcome again = rig_.RunAgain(handler_, replay);
  EXPECT_EQ(again.calls_answered, 3u);
  EXPECT_EQ(again.calls_live, 2u);
}

TEST_F(ReplayTest, WithoutItsWholeInputNothingRuns) {
  rig_.Run(handler_);
  proto::Replay replay = ReplayOf(rig_);
  replay.mutable_input()->mutable_truncated()->set_bytes(100000);
  RunOutcome again = rig_.RunAgain(handler_, replay);
  EXPECT_TRUE(again.program_error);
  EXPECT_THAT(again.error, HasSubstr("does not have the whole input"));
  EXPECT_TRUE(rig_.events.back().has_run_end());
}

TEST_F(ReplayTest, ValuesOfEveryKindComeBack) {
  proto::Replay replay;
  auto field = [&](const char* key) {
    proto::ValueField& added = *replay.mutable_input()->mutable_object()->add_fields();
    added.set_key(key);
    return added.mutable_value();
  };
  field("a")->set_int_(-7);
  field("b")->set_float_(1.5);
  field("c")->set_bool_(true);
  field("d")->mutable_null();
  field("e")->set_character("x");
  field("f")->mutable_tuple()->add_items()->set_date_ms(1000);
  field("g")->mutable_just()->mutable_ok()->set_string("deep");
  field("h")->mutable_nothing();
  field("i")->set_uuid(std::string(16, '\1'));
  field("j")->mutable_error_result()->set_bytes("raw");
  rig_.Load("[http-handler GET /]\nrequest\n");
  rig_.RunAgain("GET /", replay);
  EXPECT_EQ(rig_.events[0].run_start().input().SerializeAsString(),
            replay.input().SerializeAsString());
}

// A stored trace is an enemy's.
TEST_F(ReplayTest, HostileReplaysAreRefused) {
  proto::Run run;
  run.mutable_again();
  run.set_tlid(rig_.manifest.handlers(0).tlid());
  EXPECT_THAT(rig_.RunAndRead(run, "\xff\xff\xff").error, HasSubstr("not a replay"));
  proto::Replay deep;
  proto::Value* value = deep.mutable_input();
  for (int i = 0; i < 90; ++i) value = value->mutable_just();
  value->set_int_(1);
  EXPECT_THAT(rig_.RunAgain(handler_, deep).error, HasSubstr("does not have the whole input"));
  proto::Replay uuid;
  uuid.mutable_input()->set_uuid("short");
  EXPECT_THAT(rig_.RunAgain(handler_, uuid).error, HasSubstr("does not have the whole input"));
  EXPECT_THAT(rig_.RunAgain(handler_, {}).error, HasSubstr("does not have the whole input"));
}

}  // namespace
}  // namespace nightjar
