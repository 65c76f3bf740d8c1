// One function of a canvas run alone.
#include <gmock/gmock.h>

#include "tests/unit/lang/engine_rig.h"

namespace nightjar {
namespace {

using testing::EngineRig;
using ::testing::HasSubstr;

constexpr const char* kCanvas = R"(
[fn double x:Int]
x + x

[fn stamp word:String]
word ++ toString (Uuid.generate)

[fn fail]
1 + "one"

[http-handler GET /]
double 3
)";

class OneFunctionTest : public ::testing::Test {
 protected:
  OneFunctionTest() { rig_.Load(kCanvas); }

  static proto::Replay Of(const std::string& name, const std::string& arguments = "") {
    proto::Replay replay;
    replay.mutable_function()->set_name(name);
    replay.mutable_function()->set_arguments_json(arguments);
    return replay;
  }
  // There need be no handler any more.
  RunOutcome Run(const proto::Replay& replay) { return rig_.RunAgain("gone", replay); }
  std::string Refusal(const proto::Replay& replay) {
    RunOutcome outcome = Run(replay);
    EXPECT_TRUE(outcome.request_refused);
    EXPECT_EQ(outcome.status, 400u);
    return outcome.body;
  }

  EngineRig rig_;
};

TEST_F(OneFunctionTest, IsCalledAndTracedLikeAnyCall) {
  proto::Replay replay = Of("double");
  replay.mutable_function()->add_args()->set_int_(21);
  RunOutcome outcome = Run(replay);
  EXPECT_EQ(outcome.body, "42");
  EXPECT_EQ(outcome.status, 200u);
  EXPECT_FALSE(outcome.program_error);
  EXPECT_EQ(rig_.events.front().run_start().input().list().items(0).int_(), 21);
  const proto::Call& call = rig_.events[1].call();
  EXPECT_EQ(call.fn(), "double");
  EXPECT_EQ(call.kind(), proto::CALL_KIND_FUNCTION);
  EXPECT_EQ(call.args(0).int_(), 21);
  EXPECT_EQ(rig_.events.back().run_end().result().int_(), 42);
}

TEST_F(OneFunctionTest, TakesOtherArgumentsAsJson) {
  EXPECT_EQ(Run(Of("double", "[4]")).body, "8");
  EXPECT_THAT(Run(Of("stamp", R"(["a"])")).body, HasSubstr("\"a"));
}

TEST_F(OneFunctionTest, IsAnsweredByTheTrace) {
  proto::Replay replay = Of("stamp", R"(["a"])");
  proto::RecordedCall& call = *replay.add_calls();
  call.set_fn("Uuid::generate");
  call.mutable_result()->set_uuid(std::string(16, '\0'));
  RunOutcome outcome = Run(replay);
  EXPECT_EQ(outcome.calls_answered, 1u) << outcome.body;
  EXPECT_EQ(outcome.body, "\"a00000000-0000-0000-0000-000000000000\"");
  outcome = rig_.RunAgain("gone", replay, true);
  EXPECT_EQ(outcome.calls_answered, 0u);
  EXPECT_NE(outcome.body, "\"a00000000-0000-0000-0000-000000000000\"");
}

TEST_F(OneFunctionTest, ItsErrorIsTheAnswer) {
  RunOutcome outcome = Run(Of("fail", "[]"));
  EXPECT_TRUE(outcome.program_error);
  EXPECT_EQ(outcome.status, 500u);
}

TEST_F(OneFunctionTest, SaysWhatIsWrongWithItsArguments) {
  EXPECT_THAT(Refusal(Of("doubel", "[4]")),
              HasSubstr("no function `doubel`; did you mean `double`?"));
  EXPECT_EQ(Refusal(Of("double", "[]")), "function `double` takes 1 argument, and there are 0");
  EXPECT_THAT(Refusal(Of("double", R"(["x"])")), HasSubstr("argument 1 of function `double`, x: "));
  EXPECT_THAT(Refusal(Of("double", "[4")), HasSubstr("the arguments are not JSON: "));
  EXPECT_THAT(Refusal(Of("double", "4")), HasSubstr("the arguments are a JSON list"));
  proto::Replay cut = Of("double");
  cut.mutable_function()->add_args()->mutable_truncated();
  EXPECT_THAT(Refusal(cut), HasSubstr("argument 1 of that call is not whole in its trace"));
}

// An operator's arguments are an input like any other.
TEST_F(OneFunctionTest, HidesWhatPolicyHides) {
  rig_.limits.mutable_redaction()->add_drop("token");
  RunOutcome outcome = Run(Of("stamp", R"([{"token": "trumpet99"}])"));
  EXPECT_TRUE(outcome.request_refused);
  for (const proto::TraceEvent& event : rig_.events)
    EXPECT_EQ(event.SerializeAsString().find("trumpet99"), std::string::npos);
}

}  // namespace
}  // namespace nightjar
