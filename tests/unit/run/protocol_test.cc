// Workers that were taken over: whatever they say, a run has one verdict and its worker dies.

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ipc/core/bounds.h"
#include "tests/unit/run/run_rig.h"

namespace nightjar::testing {
namespace {

class Rig : public RunRig {
 public:
  using RunRig::Finished;
  using RunRig::LimitHit;
};

struct Breach {
  const char* name;
  std::function<void(FakeWorker&, const Call&)> commit;
  proto::Verdict verdict = proto::VERDICT_PROTOCOL;
};

class BreachTest : public RunRig, public ::testing::WithParamInterface<Breach> {};

TEST_P(BreachTest, HasItsVerdictOnceAndTheWorkerDies) {
  Call& call = Start();
  FakeWorker& worker = Running(call);
  GetParam().commit(worker, call);
  // What it says afterwards no longer counts.
  if (!worker.released) worker.Say(Finished(call, "too late"));
  ASSERT_TRUE(UntilOver(call));
  EXPECT_EQ(call.result.verdict, GetParam().verdict) << call.result.detail;
  EXPECT_EQ(call.result.status, 500u);
  EXPECT_EQ(call.result.body, "");
  const proto::RunEnded& ended = Ended(call);
  EXPECT_EQ(ended.verdict(), GetParam().verdict);
  EXPECT_EQ(ended.incident().verdict(), GetParam().verdict);
  EXPECT_EQ(ended.incident().exit_signal(), SIGKILL);
  ASSERT_TRUE(UntilLive(0));
  EXPECT_EQ(pool_.CountsOf("demo").lent, 0u);
  EXPECT_EQ(metrics_.Of("demo").killed, 1u);
}

proto::FromWorker Armed() {
  proto::FromWorker message;
  message.mutable_armed();
  return message;
}

proto::FromWorker WithStatus(const Call& call, uint32_t status) {
  proto::FromWorker message = Rig::Finished(call);
  message.mutable_finished()->set_status(status);
  return message;
}

proto::FromWorker WithMemfd(const Call& call, uint64_t bytes) {
  proto::FromWorker message = Rig::Finished(call, "");
  message.mutable_finished()->set_body_memfd_bytes(bytes);
  return message;
}

void AnswerWithMemfdThatCanChange(FakeWorker& worker, const Call& call) {
  Fd open(memfd_create("test-open", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  ASSERT_EQ(write(open.get(), "abc", 3), 3);
  worker.Say(WithMemfd(call, 3), {open.get()});
}

void AnswerWithPipe(FakeWorker& worker, const Call& call) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  Fd in(ends[0]);
  Fd out(ends[1]);
  worker.Say(WithMemfd(call, 3), {in.get()});
}

void AnswerWithTooLargeMemfd(FakeWorker& worker, const Call& call, uint64_t claimed) {
  auto memfd = CreateImmutableMemfd("test-large", std::string((4 << 20) + 1, 'x'));
  ASSERT_TRUE(memfd);
  worker.Say(WithMemfd(call, claimed), {memfd->get()});
}

Call SomebodyElse() {
  Call other;
  other.id = RunId::New(SystemClock().Wall());
  return other;
}

INSTANTIATE_TEST_SUITE_P(
    Each, BreachTest,
    ::testing::Values(
        Breach{"Garbage", [](auto& worker, auto&) { worker.SayBytes("\xff\xff\xff\xff"); }},
        Breach{"AMessageThatNobodyKnows", [](auto& worker, auto&) { worker.SayBytes("\x78\x01"); }},
        Breach{"APacketLargerThanAFrame",
               [](auto& worker, auto&) {
                 worker.SayBytes(std::string(bounds::kFrameBytes + 1, '\n'));
               }},
        Breach{"OutOfTurn", [](auto& worker, auto&) { worker.Say(Armed()); }},
        Breach{"TheAnswerOfAnotherRun",
               [](auto& worker, auto&) { worker.Say(Rig::Finished(SomebodyElse())); }},
        Breach{"AnAnswerOfNoRun", [](auto& worker, auto&) { worker.Say(Rig::Finished(Call())); }},
        Breach{"NoStatus", [](auto& worker, auto& call) { worker.Say(WithStatus(call, 0)); }},
        Breach{"AnInterimStatus",
               [](auto& worker, auto& call) { worker.Say(WithStatus(call, 199)); }},
        Breach{"AStatusThatHttpDoesNotHave",
               [](auto& worker, auto& call) { worker.Say(WithStatus(call, 1000)); }},
        Breach{"ABodyThatIsNotThere",
               [](auto& worker, auto& call) { worker.Say(WithMemfd(call, 10)); }},
        Breach{"ABodyThatCanStillChange", AnswerWithMemfdThatCanChange},
        Breach{"ABodyThatIsNoFile", AnswerWithPipe},
        Breach{"ALimitOfAnotherRun",
               [](auto& worker, auto&) {
                 worker.Say(Rig::LimitHit(SomebodyElse(), proto::SELF_LIMIT_OUTPUT, 1ull << 40));
               }},
        Breach{"ALimitThatDoesNotExist",
               [](auto& worker, auto& call) {
                 worker.Say(Rig::LimitHit(call, static_cast<proto::SelfLimit>(9), 1));
               }},
        Breach{"ALimitThatWasNotReached",
               [](auto& worker, auto& call) {
                 worker.Say(Rig::LimitHit(call, proto::SELF_LIMIT_OUTPUT, 1));
               }},
        Breach{"ALimitItKeepsItself",
               [](auto& worker, auto& call) {
                 worker.Say(Rig::LimitHit(call, proto::SELF_LIMIT_CALL_DEPTH, 5000));
               },
               proto::VERDICT_CALL_DEPTH},
        // Counted in the worker, and checked on the size of what arrives.
        Breach{
            "AMemfdOverTheOutputLimit",
            [](auto& worker, auto& call) { AnswerWithTooLargeMemfd(worker, call, (4 << 20) + 1); },
            proto::VERDICT_OUTPUT},
        Breach{"AMemfdOverTheOutputLimitAndALieAboutIt",
               [](auto& worker, auto& call) { AnswerWithTooLargeMemfd(worker, call, 1); },
               proto::VERDICT_OUTPUT}),
    [](const auto& info) { return info.param.name; });

class ProtocolTest : public RunRig {};

TEST_F(ProtocolTest, AnInlineBodyOverTheOutputLimitIsNotPassedOn) {
  limits_.output_bytes.value = 1000;
  Call& call = Start();
  Running(call).Say(Finished(call, std::string(1001, 'x')));
  ASSERT_TRUE(UntilOver(call));
  EXPECT_EQ(call.result.verdict, proto::VERDICT_OUTPUT) << call.result.detail;
  EXPECT_NE(call.result.detail.find("1001 bytes"), std::string::npos) << call.result.detail;
  EXPECT_EQ(Ended(call).incident().broken().name(), "output");
  Call& fits = Start();
  Running(fits).Say(Finished(fits, std::string(1000, 'x')));
  ASSERT_TRUE(UntilOver(fits));
  EXPECT_EQ(fits.result.verdict, proto::VERDICT_FINISHED);
}

TEST_F(ProtocolTest, ASecondAnswerIsNobodysAndKillsTheWorker) {
  limits_.reuse.value = 10;
  Call& call = Start();
  FakeWorker& worker = Running(call);
  worker.Say(Finished(call, "first"));
  worker.Say(Finished(call, "second"));
  ASSERT_TRUE(UntilOver(call));
  EXPECT_EQ(call.result.body, "first");
  EXPECT_EQ(call.result.verdict, proto::VERDICT_FINISHED);
  ASSERT_TRUE(UntilLive(0));
  Call& next = Start();
  FakeWorker& fresh = Running(next);
  EXPECT_NE(&fresh, &worker);
}

TEST_F(ProtocolTest, AReusedWorkersOldAnswerIsNotTheNextRuns) {
  limits_.reuse.value = 10;
  Call& one = Start();
  FakeWorker& worker = Running(one);
  worker.Say(Finished(one));
  ASSERT_TRUE(UntilOver(one));
  Call& two = Start();
  ASSERT_EQ(&Running(two), &worker);
  worker.Say(Finished(one, "again"));
  ASSERT_TRUE(UntilOver(two));
  EXPECT_EQ(two.result.verdict, proto::VERDICT_PROTOCOL);
  EXPECT_EQ(one.answers, 1);
}

TEST_F(ProtocolTest, ACondemnedRingKillsTheRunThatIsOnIt) {
  Call& call = Start();
  FakeWorker& worker = Running(call);
  WorkerId id = worker.id;
  factory_.Broke(id, "its trace ring: a record that is not an event");
  ASSERT_TRUE(UntilOver(call));
  EXPECT_EQ(call.result.verdict, proto::VERDICT_PROTOCOL);
  EXPECT_NE(call.result.detail.find("its trace ring"), std::string::npos);
  ASSERT_TRUE(UntilLive(0));
  factory_.Broke(id, "again");  // it is gone
  factory_.Broke(4711, "never was");
}

TEST_F(ProtocolTest, ARingThatIsCondemnedDuringAKillChangesNothing) {
  Call& call = Start();
  FakeWorker& worker = Running(call);
  ASSERT_TRUE(runs_.Kill(call.id, "uid 0", [](const RunResult&) {}));
  factory_.Broke(worker.id, "its trace ring");
  ASSERT_TRUE(UntilOver(call));
  EXPECT_EQ(call.result.verdict, proto::VERDICT_OPERATOR);
}

}  // namespace
}  // namespace nightjar::testing
