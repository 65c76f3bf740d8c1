#include "supervisor/writer/drain.h"

#include <fcntl.h>
#include <gmock/gmock.h>

#include "tests/unit/writer/writer_rig.h"

namespace nightjar::testing {
namespace {

using ::testing::HasSubstr;

class DrainTest : public ::testing::Test {
 protected:
  void Attach(WorkerId id, const FakeWorker& worker, RingBegins begins = RingBegins::kWithARun) {
    Status attached = drain_.Attach(id, "demo", worker.ring(), begins);
    ASSERT_TRUE(attached) << attached.error().ToString();
  }
  proto::TraceDocument End(proto::RunEnded ended) {
    auto sealed = drain_.End(std::move(ended));
    EXPECT_TRUE(sealed) << sealed.error().ToString();
    sealed_ = std::move(*sealed);
    return Document(sealed_.row, sealed_.object);
  }
  static std::string StartOf(const RunId& run) {
    proto::TraceEvent event;
    event.set_seq(1);
    event.mutable_run_start()->set_run_id(std::string(run.bytes()));
    return event.SerializeAsString();
  }

  FakeClock clock_;
  Drain drain_{clock_};
  FakeWorker worker_;
  SealedRun sealed_;
};

TEST_F(DrainTest, KeepsAWholeRun) {
  Attach(1, worker_);
  RunId run = RunAt(1);
  ASSERT_TRUE(drain_.Begin(Began(1, run)));
  EXPECT_TRUE(drain_.busy());
  worker_.WholeRun(run, 10);
  EXPECT_GT(drain_.Turn(), 0u);
  EXPECT_EQ(drain_.Turn(), 0u);
  proto::TraceDocument document = End(Ended(1, run));
  EXPECT_EQ(document.events_size(), 22);
  EXPECT_FALSE(document.incomplete_object());
  EXPECT_EQ(document.row().handler(), "GET /x");
  EXPECT_EQ(document.row().revision(), 3u);
  EXPECT_EQ(document.row().usage().wall_us(), 5000u);
  EXPECT_FALSE(sealed_.incident);
  EXPECT_FALSE(drain_.busy());
  EXPECT_EQ(drain_.totals().held_bytes, 0u);
}

std::string CallOf(uint64_t seq, proto::CallKind kind, const std::string& fn) {
  proto::TraceEvent event;
  event.set_seq(seq);
  event.mutable_call()->set_call_id(seq);
  event.mutable_call()->set_kind(kind);
  event.mutable_call()->set_fn(fn);
  return event.SerializeAsString();
}

TEST_F(DrainTest, NotesWhichFunctionsARunCalled) {
  Attach(1, worker_);
  RunId run = RunAt(1);
  ASSERT_TRUE(drain_.Begin(Began(1, run)));
  worker_.Forge(StartOf(run));
  uint64_t seq = 1;
  auto Call = [&](proto::CallKind kind, const std::string& fn) {
    worker_.Forge(CallOf(++seq, kind, fn));
  };
  for (const char* fn : {"fib", "fib", "other", "fib", "owner/package/M::f_v0"})
    Call(proto::CALL_KIND_FUNCTION, fn);
  Call(proto::CALL_KIND_PROGRAM, "/usr/bin/convert");
  Call(proto::CALL_KIND_BUILTIN, "Int::add_v0");
  Call(proto::CALL_KIND_LAMBDA, "");
  Call(proto::CALL_KIND_FUNCTION, std::string(bounds::kTraceNameBytes + 1, 'x'));
  End(Ended(1, run));
  EXPECT_THAT(sealed_.touched.functions(),
              ::testing::ElementsAre("/usr/bin/convert", "fib", "other", "owner/package/M::f_v0"));
  EXPECT_FALSE(sealed_.touched.more_functions());
}

TEST_F(DrainTest, NotesABoundedNumberOfFunctionsAndSaysThatThereWereMore) {
  Attach(1, worker_);
  RunId run = RunAt(1);
  ASSERT_TRUE(drain_.Begin(Began(1, run)));
  worker_.Start(run);
  for (size_t i = 0; i <= bounds::kTracedFunctions; ++i)
    worker_.recorder().CloseCall(worker_.Open("f" + std::to_string(i)), Word{"result"});
  worker_.recorder().FinishRun(Word{"output"});
  End(Ended(1, run));
  EXPECT_EQ(sealed_.touched.functions_size(), static_cast<int>(bounds::kTracedFunctions));
  EXPECT_TRUE(sealed_.touched.more_functions());
}

TEST_F(DrainTest, NotesNoNameThatIsNoText) {
  Attach(1, worker_);
  RunId run = RunAt(1);
  ASSERT_TRUE(drain_.Begin(Began(1, run)));
  worker_.Forge(StartOf(run));
  std::string call = CallOf(2, proto::CALL_KIND_FUNCTION, "abcd");
  call.replace(call.find("abcd"), 4, "ab\xff\xfe");
  worker_.Forge(call);
  End(Ended(1, run));
  EXPECT_EQ(sealed_.touched.functions_size(), 0);
}

TEST_F(DrainTest, NotesTheFieldsOfTheInputThatPolicyNames) {
  Attach(1, worker_);
  RunId run = RunAt(1);
  proto::RunBegan began = Began(1, run);
  began.add_trace_index("user_id");
  ASSERT_TRUE(drain_.Begin(began));
  proto::TraceEvent event;
  event.set_seq(1);
  event.mutable_run_start()->set_run_id(std::string(run.bytes()));
  auto& field = *event.mutable_run_start()->mutable_input()->mutable_object()->add_fields();
  field.set_key("user_id");
  field.mutable_value()->set_int_(7);
  worker_.Forge(event.SerializeAsString());
  End(Ended(1, run));
  ASSERT_EQ(sealed_.touched.fields_size(), 1);
  EXPECT_EQ(sealed_.touched.fields(0).name(), "user_id");
  EXPECT_EQ(sealed_.touched.fields(0).value(), "7");
}

TEST_F(DrainTest, TakesTheRestAtTheEnd) {
  Attach(1, worker_);
  RunId run = RunAt(1);
  ASSERT_TRUE(drain_.Begin(Began(1, run)));
  worker_.WholeRun(run, 5000);
  EXPECT_EQ(End(Ended(1, run)).events_size(), 10'002);
}

TEST_F(DrainTest, TellsTheRunsOfAReusedWorkerApart) {
  Attach(1, worker_);
  std::vector<RunId> runs;
  for (int i = 0; i < 20; ++i) runs.push_back(RunAt(i));
  // The worker is done with all of them before any word of the supervisor's is read.
  for (int i = 0; i < 20; ++i) worker_.WholeRun(runs[i], i);
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(drain_.Begin(Began(1, runs[i])));
    drain_.Turn();
    proto::TraceDocument document = End(Ended(1, runs[i]));
    EXPECT_EQ(document.events_size(), 2 + 2 * i);
    EXPECT_EQ(document.events(0).run_start().run_id(), runs[i].bytes());
    EXPECT_EQ(document.stream_refused(), "");
  }
}

TEST_F(DrainTest, KeepsTheLastMomentsOfAKilledRun) {
  Attach(1, worker_);
  RunId run = RunAt(1);
  ASSERT_TRUE(drain_.Begin(Began(1, run)));
  constexpr uint64_t kBudget = 64 * bounds::kKiB;
  worker_.Start(run, kBudget);
  for (int depth = 0; depth < 2000; ++depth) worker_.Open("endless");
  proto::TraceDocument document = End(Ended(1, run, proto::VERDICT_WALL_TIME));
  EXPECT_GT(document.events_size(), 100);
  EXPECT_GT(document.tail_size(), 100);
  EXPECT_EQ(document.tail(document.tail_size() - 1).seq(), 2001u);
  ASSERT_EQ(document.open_calls_size(), static_cast<int>(bounds::kIncidentStackFrames));
  EXPECT_EQ(document.open_calls(0).call().call_id(), 1u);
  EXPECT_EQ(document.open_calls(0).call().fn(), "endless");
  EXPECT_EQ(document.open_calls(1).call().parent(), 1u);
  EXPECT_GE(document.open_calls(0).open_ns(), document.open_calls(63).open_ns());

  ASSERT_TRUE(sealed_.incident);
  EXPECT_EQ(sealed_.incident->calls_open(), 2000u);
  EXPECT_EQ(sealed_.incident->open_calls_size(), document.open_calls_size());
  ASSERT_EQ(sealed_.incident->last_events_size(), static_cast<int>(bounds::kIncidentTailEvents));
  EXPECT_EQ(sealed_.incident->last_events(15).seq(), 2001u);
  EXPECT_EQ(sealed_.incident->last_events(0).seq(), 1986u);
}

TEST_F(DrainTest, HasNoEvidenceOfAnEarlierRun) {
  Attach(1, worker_);
  RunId first = RunAt(1), second = RunAt(2);
  ASSERT_TRUE(drain_.Begin(Began(1, first)));
  worker_.Start(first);
  worker_.Open("of the first");
  End(Ended(1, first));
  ASSERT_TRUE(drain_.Begin(Began(1, second)));
  proto::TraceDocument document = End(Ended(1, second, proto::VERDICT_WORKER_EXITED));
  EXPECT_EQ(document.open_calls_size(), 0);
  EXPECT_EQ(sealed_.incident->last_events_size(), 0);
}

TEST_F(DrainTest, KeepsTheIncidentOfARefusal) {
  auto sealed = drain_.End(Ended(0, RunAt(1), proto::VERDICT_REFUSED));
  ASSERT_TRUE(sealed);
  EXPECT_TRUE(sealed->incident);
  EXPECT_EQ(sealed->row.canvas(), "");
}

TEST_F(DrainTest, CondemnsARunThatWasNotGivenToTheWorker) {
  Attach(1, worker_);
  RunId given = RunAt(1), stolen = RunAt(2);
  ASSERT_TRUE(drain_.Begin(Began(1, given)));
  worker_.WholeRun(stolen, 3);
  drain_.Turn();
  proto::TraceDocument document = End(Ended(1, given));
  EXPECT_EQ(document.events_size(), 0);
  EXPECT_THAT(document.stream_refused(), HasSubstr("not given"));
  EXPECT_TRUE(sealed_.condemned);
}

TEST_F(DrainTest, CondemnsAnEarlyRunThatIsNotTheNext) {
  Attach(1, worker_);
  RunId first = RunAt(1), stolen = RunAt(2), next = RunAt(3);
  ASSERT_TRUE(drain_.Begin(Began(1, first)));
  worker_.WholeRun(first, 1);
  worker_.WholeRun(stolen, 1);
  EXPECT_EQ(End(Ended(1, first)).events_size(), 4);
  EXPECT_FALSE(sealed_.condemned);
  ASSERT_TRUE(drain_.Begin(Began(1, next)));
  End(Ended(1, next));
  EXPECT_TRUE(sealed_.condemned);
}

TEST_F(DrainTest, KeepsWhatCameBeforeGarbage) {
  RunId run = RunAt(1);
  std::vector<std::string> crimes = {"\xff\xff\xff", "\x1a", StartOf(run),
                                     std::string("\x1a\x00", 2), "\x0a\x05"};
  WorkerId id = 0;
  for (const std::string& crime : crimes) {
    FakeWorker worker;
    Attach(++id, worker);
    ASSERT_TRUE(drain_.Begin(Began(id, run)));
    worker.Start(run);
    worker.Open("before");
    worker.Forge(crime);
    worker.Open("after");
    drain_.Turn();
    proto::TraceDocument document = End(Ended(id, run, proto::VERDICT_PROTOCOL));
    EXPECT_EQ(document.events_size(), 2) << id;
    EXPECT_NE(document.stream_refused(), "") << id;
    EXPECT_TRUE(sealed_.condemned);
    EXPECT_FALSE(document.incomplete_object());
  }
}

TEST_F(DrainTest, CondemnsEventsOfNoRun) {
  Attach(1, worker_);
  RunId run = RunAt(1);
  ASSERT_TRUE(drain_.Begin(Began(1, run)));
  worker_.Forge("\x08\x01");
  drain_.Turn();
  End(Ended(1, run));
  EXPECT_TRUE(sealed_.condemned);
}

TEST_F(DrainTest, CondemnsMoreTraceThanARunMayWrite) {
  Attach(1, worker_);
  RunId run = RunAt(1);
  proto::RunBegan began = Began(1, run);
  began.set_trace_bytes_max(100 * bounds::kKiB);
  ASSERT_TRUE(drain_.Begin(began));
  worker_.Start(run, 10 * bounds::kMiB);
  for (int i = 0; i < 10'000; ++i) worker_.Open("f");
  proto::TraceDocument document = End(Ended(1, run));
  EXPECT_TRUE(sealed_.condemned);
  EXPECT_GT(document.events_size(), 1000);
  EXPECT_LT(document.events_size(), 10'000);
}

TEST_F(DrainTest, LeavesOthersAloneWhenOneRingIsCondemned) {
  FakeWorker enemy;
  Attach(1, enemy);
  Attach(2, worker_);
  RunId bad = RunAt(1), good = RunAt(2);
  ASSERT_TRUE(drain_.Begin(Began(1, bad)));
  ASSERT_TRUE(drain_.Begin(Began(2, good)));
  enemy.Forge("\xff");
  worker_.WholeRun(good, 5);
  drain_.Turn();
  End(Ended(1, bad, proto::VERDICT_PROTOCOL));
  EXPECT_EQ(End(Ended(2, good)).events_size(), 12);
}

// A writer that died has drained a part; the next one gets the ring as it is, and is told
// everything again in any order.
TEST_F(DrainTest, GoesOnWhereADeadWriterStopped) {
  RunId first = RunAt(1), second = RunAt(2);
  {
    Drain dead(clock_);
    ASSERT_TRUE(dead.Attach(1, "demo", worker_.ring()));
    ASSERT_TRUE(dead.Begin(Began(1, first)));
    worker_.Start(first);
    uint64_t call = worker_.Open("drained by the dead one");
    dead.Turn();
    worker_.recorder().CloseCall(call, Word{"result"});
    worker_.recorder().FinishRun(Word{"output"});
  }
  worker_.WholeRun(second, 3);
  Attach(1, worker_, RingBegins::kAnywhere);
  ASSERT_TRUE(drain_.Begin(Began(1, second)));
  ASSERT_TRUE(drain_.Begin(Began(1, first)));
  proto::TraceDocument document = End(Ended(1, second));
  EXPECT_GE(CountOf(document, proto::TraceEvent::kCall), 3u);
  EXPECT_EQ(CountOf(document, proto::TraceEvent::kRunStart), 1u);
  EXPECT_TRUE(sealed_.resumed);
  EXPECT_FALSE(sealed_.condemned);
  End(Ended(1, first));
  EXPECT_FALSE(sealed_.condemned);
}

// What was read stays in the ring until it is stored.
TEST_F(DrainTest, ADeadWriterCostsNoEventsOfRunsThatAreNotStored) {
  RunId stored = RunAt(1), sealed = RunAt(2), open = RunAt(3);
  {
    Drain dead(clock_);
    ASSERT_TRUE(dead.Attach(1, "demo", worker_.ring()));
    for (const RunId& run : {stored, sealed}) {
      ASSERT_TRUE(dead.Begin(Began(1, run)));
      worker_.WholeRun(run, 3);
      auto ended = dead.End(Ended(1, run));
      ASSERT_TRUE(ended);
      if (run == stored) dead.Free(ended->mark);
    }
    ASSERT_TRUE(dead.Begin(Began(1, open)));
    worker_.Start(open);
    worker_.Open("f");
    dead.Turn();
  }
  worker_.Open("g");
  Attach(1, worker_, RingBegins::kAnywhere);
  for (const RunId& run : {sealed, open}) ASSERT_TRUE(drain_.Begin(Began(1, run)));
  EXPECT_EQ(End(Ended(1, sealed)).events_size(), 8);
  proto::TraceDocument document = End(Ended(1, open));
  EXPECT_EQ(document.events_size(), 3);
  EXPECT_EQ(CountOf(document, proto::TraceEvent::kGap), 0u);
}

// The mark of a run does not take the next one's events along, which may be in the ring by then.
TEST_F(DrainTest, AStoredRunFreesItsOwnEventsAlone) {
  RunId first = RunAt(1), second = RunAt(2);
  {
    Drain dead(clock_);
    ASSERT_TRUE(dead.Attach(1, "demo", worker_.ring()));
    ASSERT_TRUE(dead.Begin(Began(1, first)));
    worker_.WholeRun(first, 1);
    worker_.WholeRun(second, 2);
    auto ended = dead.End(Ended(1, first));
    ASSERT_TRUE(ended);
    dead.Free(ended->mark);
  }
  Attach(1, worker_, RingBegins::kAnywhere);
  ASSERT_TRUE(drain_.Begin(Began(1, second)));
  EXPECT_EQ(End(Ended(1, second)).events_size(), 6);
}

// A writer that is told of everything again hears of all beginnings before any end.
TEST_F(DrainTest, AStoredRunFreesNoEventsOfARunThatWasToldBeforeItEnded) {
  RunId stored = RunAt(1), sealed = RunAt(2), open = RunAt(3);
  worker_.WholeRun(stored, 1);
  worker_.WholeRun(sealed, 2);
  worker_.Start(open);
  {
    Drain dead(clock_);
    ASSERT_TRUE(dead.Attach(1, "demo", worker_.ring(), RingBegins::kAnywhere));
    for (const RunId& run : {stored, sealed, open}) ASSERT_TRUE(dead.Begin(Began(1, run)));
    auto first = dead.End(Ended(1, stored)), second = dead.End(Ended(1, sealed));
    ASSERT_TRUE(first && second);
    dead.Free(first->mark);
  }
  {
    Drain dead(clock_);
    ASSERT_TRUE(dead.Attach(1, "demo", worker_.ring(), RingBegins::kAnywhere));
    for (const RunId& run : {sealed, open}) ASSERT_TRUE(dead.Begin(Began(1, run)));
    auto second = dead.End(Ended(1, sealed));
    ASSERT_TRUE(second);
    EXPECT_EQ(Document(second->row, second->object).events_size(), 6);
    dead.Free(second->mark);
  }
  worker_.Open("f");
  Attach(1, worker_, RingBegins::kAnywhere);
  ASSERT_TRUE(drain_.Begin(Began(1, open)));
  proto::TraceDocument document = End(Ended(1, open));
  EXPECT_EQ(CountOf(document, proto::TraceEvent::kRunStart), 1u);
  EXPECT_EQ(document.events_size(), 2);
}

// The supervisor gave them up while there was no writer; what follows them is whole.
TEST_F(DrainTest, SkipsRunsThatNobodyTellsOfAnyMore) {
  RunId told = RunAt(9);
  for (int forgotten = 1; forgotten <= 3; ++forgotten) worker_.WholeRun(RunAt(forgotten), 2);
  worker_.WholeRun(told, 2);
  Attach(1, worker_, RingBegins::kAnywhere);
  ASSERT_TRUE(drain_.Begin(Began(1, told)));
  drain_.Turn();
  proto::TraceDocument document = End(Ended(1, told));
  EXPECT_FALSE(sealed_.condemned);
  EXPECT_EQ(document.events_size(), 6);
}

TEST_F(DrainTest, SaysWhatAResumedRunHasLost) {
  RunId run = RunAt(1);
  size_t lost = 0;
  {
    Drain dead(clock_);
    ASSERT_TRUE(dead.Attach(1, "demo", worker_.ring()));
    ASSERT_TRUE(dead.Begin(Began(1, run)));
    // More than the ring keeps.
    worker_.Start(run);
    for (size_t bytes = 0; bytes <= bounds::kRingKeptBytes; bytes += 1000, ++lost) {
      worker_.Open("lost", std::string(1000, 'x'));
      dead.Turn();
    }
  }
  worker_.Open("kept");
  Attach(1, worker_, RingBegins::kAnywhere);
  ASSERT_TRUE(drain_.Begin(Began(1, run)));
  proto::TraceDocument document = End(Ended(1, run));
  ASSERT_GE(document.events_size(), 2);
  EXPECT_GT(document.events(0).gap().dropped(), 1u);
  EXPECT_LE(document.events(0).gap().dropped(), lost + 1);
  EXPECT_EQ(document.events(document.events_size() - 1).call().fn(), "kept");
}

TEST_F(DrainTest, SealsWhatALostSupervisorLeavesOpen) {
  FakeWorker other;
  Attach(1, worker_);
  Attach(2, other);
  RunId first = RunAt(1), second = RunAt(2);
  ASSERT_TRUE(drain_.Begin(Began(1, first)));
  ASSERT_TRUE(drain_.Begin(Began(2, second)));
  worker_.Start(first);
  worker_.Open("inside");
  std::vector<SealedRun> sealed = drain_.EndAll();
  ASSERT_EQ(sealed.size(), 2u);
  EXPECT_FALSE(drain_.busy());
  const SealedRun& one = sealed[0].run == first ? sealed[0] : sealed[1];
  EXPECT_EQ(one.row.verdict(), proto::VERDICT_SUPERVISOR_LOST);
  EXPECT_EQ(Document(one.row, one.object).events_size(), 2);
  ASSERT_TRUE(one.incident);
  EXPECT_EQ(one.incident->open_calls(0).call().fn(), "inside");
  EXPECT_EQ(one.incident->handler(), "GET /x");
  EXPECT_EQ(one.row.usage().trace_events(), 2u);
}

// Its ledger said so: it had no time to say it itself.
TEST_F(DrainTest, ARunThatHadEndedBeforeItsSupervisorWasLostKeepsItsEnd) {
  Attach(1, worker_);
  RunId run = RunAt(1), refused = RunAt(2);
  ASSERT_TRUE(drain_.Begin(Began(1, run)));
  worker_.WholeRun(run, 1);
  std::map<RunId, proto::RunEnded> known;
  known.emplace(run, Ended(1, run));
  known.emplace(refused, Ended(0, refused, proto::VERDICT_REFUSED));
  std::vector<SealedRun> sealed = drain_.EndAll(std::move(known));
  ASSERT_EQ(sealed.size(), 2u);
  EXPECT_EQ(sealed[0].row.verdict(), proto::VERDICT_FINISHED);
  EXPECT_EQ(Document(sealed[0].row, sealed[0].object).events_size(), 4);
  EXPECT_FALSE(sealed[0].incident);
  EXPECT_EQ(sealed[1].row.canvas(), "");
  EXPECT_EQ(sealed[1].incident->verdict(), proto::VERDICT_REFUSED);
}

TEST_F(DrainTest, SealsWhatASupervisorBeforeThisOneLeft) {
  proto::RunLeft open, ended, refused;
  *open.mutable_began() = Began(1, RunAt(1));
  *ended.mutable_began() = Began(1, RunAt(2));
  *ended.mutable_ended() = Ended(1, RunAt(2), proto::VERDICT_MEMORY);
  *refused.mutable_ended() = Ended(0, RunAt(3), proto::VERDICT_REFUSED);
  auto sealed = drain_.EndLeft(open);
  ASSERT_TRUE(sealed);
  EXPECT_EQ(sealed->row.verdict(), proto::VERDICT_SUPERVISOR_LOST);
  EXPECT_EQ(sealed->incident->verdict(), proto::VERDICT_SUPERVISOR_LOST);
  EXPECT_TRUE(sealed->resumed);  // perhaps it was stored
  EXPECT_NE(sealed->eventless, "");
  EXPECT_EQ(Document(sealed->row, sealed->object).events_size(), 0);
  sealed = drain_.EndLeft(ended);
  ASSERT_TRUE(sealed);
  EXPECT_EQ(sealed->row.verdict(), proto::VERDICT_MEMORY);
  EXPECT_EQ(sealed->incident->verdict(), proto::VERDICT_MEMORY);
  sealed = drain_.EndLeft(refused);
  ASSERT_TRUE(sealed);
  EXPECT_EQ(sealed->row.canvas(), "");
  EXPECT_TRUE(sealed->incident);
  EXPECT_FALSE(drain_.EndLeft({}));
}

TEST_F(DrainTest, KeepsARingUntilItsLastRunEnded) {
  Attach(1, worker_);
  RunId run = RunAt(1);
  ASSERT_TRUE(drain_.Begin(Began(1, run)));
  worker_.WholeRun(run, 1);
  drain_.Detach(1);
  EXPECT_EQ(End(Ended(1, run)).events_size(), 4);
  EXPECT_TRUE(drain_.Attach(1, "demo", worker_.ring()));  // its place is free again
}

TEST_F(DrainTest, KnowsARunWhoseRingIsMissing) {
  RunId run = RunAt(1);
  ASSERT_TRUE(drain_.Begin(Began(9, run)));
  proto::TraceDocument document = End(Ended(9, run));
  EXPECT_EQ(document.row().canvas(), "demo");
  EXPECT_EQ(document.events_size(), 0);
}

TEST_F(DrainTest, RefusesWhatIsNoRing) {
  Fd small = *CreateSizedMemfd("small", 4096);
  EXPECT_FALSE(drain_.Attach(1, "demo", small));
  Fd file(open("/tmp", O_TMPFILE | O_RDWR, 0600));
  EXPECT_FALSE(drain_.Attach(1, "demo", file));
}

TEST_F(DrainTest, TakesFromAllRingsInTurn) {
  std::vector<std::unique_ptr<FakeWorker>> workers;
  for (WorkerId id = 1; id <= 8; ++id) {
    workers.push_back(std::make_unique<FakeWorker>());
    Attach(id, *workers.back());
    RunId run = RunAt(static_cast<int64_t>(id));
    ASSERT_TRUE(drain_.Begin(Began(id, run)));
    workers.back()->Start(run);
    for (int i = 0; i < 8000; ++i) workers.back()->Open("f");
  }
  uint64_t before = drain_.totals().drained_events;
  while (drain_.Turn() > 0) continue;
  EXPECT_EQ(drain_.totals().drained_events - before, 8u * 8001);
}

}  // namespace
}  // namespace nightjar::testing
