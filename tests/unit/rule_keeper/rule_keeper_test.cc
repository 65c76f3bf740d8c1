// Rules from what was counted to what is done, with a disk that a test plays and a clock that
// stands still until a test moves it.

#include "supervisor/rules/rule_keeper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "policies/policy.h"
#include "rules/rule_file.h"
#include "supervisor/controls/controlled_policy.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_journal.h"
#include "tests/support/loop_rig.h"
#include "tests/support/one_policy.h"
#include "tests/support/revisions.h"

namespace nightjar::testing {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr const char* kRunaway = R"([rule.runaway]
when = ["kills >= 3"]
window = "1m"
actions = ["keep evidence", "tighten cpu 100ms", "suspend"]
lasting = "5m"
)";

std::shared_ptr<const rules::RuleSet> Parse(const std::string& text) {
  std::vector<policy::PolicyError> errors;
  auto rules =
      rules::ParseRules(std::vector<policy::PolicyFile>{{"rules.toml", "", text}}, &errors);
  for (const policy::PolicyError& error : errors) ADD_FAILURE() << error.message;
  CHECK(rules != nullptr);
  return rules;
}

class RuleKeeperTest : public ::testing::Test {
 protected:
  RuleKeeperTest() {
    for (const char* canvas : {"demo", "polite"})
      CHECK(book_.Publish(SomeRevision(canvas, 1)).has_value());
  }
  // One that finds nothing of supervisors before it.
  void Have(const std::string& text) {
    Start(text);
    ReadNothing();
  }
  void ReadNothing() {
    Question(proto::ToWriter::kRuleHitsWanted, {});
    Question(proto::ToWriter::kCountersWanted, {});
  }
  void Start(const std::string& text) {
    keeper_.emplace(RuleKeeper::Needs{clock_, journal_, book_, control_keeper_,
                                      [this] {
                                        return std::make_shared<const ControlledPolicy>(
                                            std::make_shared<const OnePolicy>(limits_), controls_);
                                      },
                                      2, true,
                                      [this](RuleKeeper::Event event, const proto::RuleHit& hit) {
                                        told_.emplace_back(event, hit);
                                      },
                                      [this](const proto::RuleHit& hit, const std::string& run) {
                                        held_.push_back(hit.canvas() + " " + run);
                                      }},
                    Parse(text));
    keeper_->WriterCame();
  }
  void End(proto::Verdict verdict, const std::string& canvas = "demo", bool had_worker = true) {
    RunOrder order;
    order.revision = book_.Find(canvas);
    order.limits = limits_;
    RunResult result;
    result.verdict = verdict;
    result.had_worker = had_worker;
    result.refusal = refusal_;
    result.usage = usage_;
    keeper_->activity().Ended(order, result);
  }
  void Kills(int count) {
    for (int i = 0; i < count; ++i) End(proto::VERDICT_CPU_TIME);
  }
  void Pass(seconds time) {
    for (seconds passed{0}; passed < time; passed += RuleKeeper::kLookEvery) {
      clock_.Advance(RuleKeeper::kLookEvery);
      keeper_->Look();
    }
  }
  // The next question of that kind, answered.
  proto::ToWriter Question(proto::ToWriter::KindCase kind, proto::FromWriter answer) {
    for (auto at = journal_.questions.begin(); at != journal_.questions.end(); ++at) {
      if (at->question.kind_case() != kind) continue;
      FakeJournal::Question found = std::move(*at);
      journal_.questions.erase(at);
      found.answered(std::move(answer));
      return found.question;
    }
    ADD_FAILURE() << "nobody asked";
    return {};
  }
  // What was asked of that kind and is not answered yet.
  size_t Asked(proto::ToWriter::KindCase kind) const {
    return static_cast<size_t>(
        std::count_if(journal_.questions.begin(), journal_.questions.end(),
                      [&](const auto& one) { return one.question.kind_case() == kind; }));
  }
  // One slot, of the minute that ended so long ago.
  proto::FromWriter Counted(minutes ago, const std::string& counter, uint64_t count) const {
    proto::FromWriter answer;
    proto::CounterSlot& slot = *answer.mutable_counters()->add_slots();
    slot.set_begins_unix_s(UnixMillis(clock_.Wall() - ago - minutes(1)) / 1000);
    slot.set_seconds(60);
    proto::CounterRow& row = *slot.add_rows();
    row.set_canvas("demo");
    (*row.mutable_counts())[counter] = count;
    return answer;
  }
  RuleKeeper::Event EventAt(size_t at) const { return told_.at(at).first; }
  const proto::RuleHit& HitAt(size_t at) const { return told_.at(at).second; }

  LoopRig rig_;
  FakeClock clock_;
  FakeJournal journal_;
  CanvasBook book_;
  policy::Limits limits_;
  ControlBook controls_;
  ControlKeeper control_keeper_{{rig_.loop(), clock_, journal_, controls_,
                                 [](const proto::Control&) {}, [](const proto::Control&) {}}};
  proto::Usage usage_;
  proto::RefusalKind refusal_ = proto::REFUSAL_UNSPECIFIED;
  std::vector<std::pair<RuleKeeper::Event, proto::RuleHit>> told_;
  std::vector<std::string> held_;
  std::optional<RuleKeeper> keeper_;
};

TEST_F(RuleKeeperTest, AHitIsToldAndActedOnWithItsExplanation) {
  Have(kRunaway);
  Kills(2);
  End(proto::VERDICT_FINISHED, "polite");
  Pass(seconds(2));
  EXPECT_THAT(told_, IsEmpty());
  Kills(1);
  Pass(seconds(2));
  ASSERT_THAT(told_, SizeIs(1));
  EXPECT_EQ(EventAt(0), RuleKeeper::Event::kBegan);
  const proto::RuleHit& hit = HitAt(0);
  EXPECT_EQ(hit.canvas(), "demo");
  EXPECT_EQ(hit.explanation(), "rule runaway (rules.toml:1): in 1m, kills = 3 (>= 3)");
  ASSERT_THAT(hit.findings(), SizeIs(1));
  EXPECT_EQ(hit.findings(0).value(), "3");
  EXPECT_THAT(hit.done(), ElementsAre("control 1: tighten cpu 100ms", "control 2: suspend"));
  const proto::Control* suspension = controls_.Suspension("demo");
  ASSERT_NE(suspension, nullptr);
  EXPECT_EQ(suspension->by(), "rule runaway");
  EXPECT_EQ(suspension->reason(), hit.explanation());
  EXPECT_EQ(suspension->expires_unix_us(),
            UnixMicros(clock_.Wall()) + std::chrono::microseconds(minutes(5)).count());
  EXPECT_EQ(controls_.Suspension("polite"), nullptr);
}

TEST_F(RuleKeeperTest, TracesOfTheNewestIncidentsAreHeld) {
  Have(kRunaway);
  Kills(3);
  Pass(seconds(2));
  const RunId killed = RunId::New(clock_.Wall()), refused = RunId::New(clock_.Wall());
  proto::FromWriter incidents;
  proto::IncidentRow& row = *incidents.mutable_incidents()->add_incidents();
  row.set_run_id(killed.ToString());
  row.set_verdict(proto::VERDICT_CPU_TIME);
  proto::IncidentRow& other = *incidents.mutable_incidents()->add_incidents();
  other.set_run_id(refused.ToString());
  other.set_verdict(proto::VERDICT_REFUSED);
  proto::ToWriter asked = Question(proto::ToWriter::kListIncidents, incidents);
  EXPECT_EQ(asked.list_incidents().canvas(), "demo");
  proto::ToWriter hold = Question(proto::ToWriter::kHoldTrace, {});
  EXPECT_EQ(hold.hold_trace().run_id(), killed.bytes());
  EXPECT_EQ(hold.hold_trace().by(), "rule runaway");
  EXPECT_THAT(hold.hold_trace().reason(), HasSubstr("kills = 3"));
  EXPECT_THAT(held_, ElementsAre("demo " + killed.ToString()));
  EXPECT_THAT(keeper_->Hits({}).hits(0).held(), ElementsAre(killed.ToString()));
  for (const FakeJournal::Question& left : journal_.questions)
    EXPECT_FALSE(left.question.has_hold_trace()) << "a refused request has no trace";
}

TEST_F(RuleKeeperTest, AHitThatGoesOnIsActedOnAgainAndEnds) {
  Have(kRunaway);
  for (int minute = 0; minute < 6; ++minute) {
    Kills(6);
    Pass(seconds(60));
  }
  ASSERT_THAT(told_, SizeIs(2));
  EXPECT_EQ(EventAt(1), RuleKeeper::Event::kAgain);
  EXPECT_EQ(HitAt(1).id(), HitAt(0).id());
  Pass(minutes(10));
  ASSERT_THAT(told_, SizeIs(3));
  EXPECT_EQ(EventAt(2), RuleKeeper::Event::kEnded);
  EXPECT_THAT(HitAt(2).over(), HasSubstr("over after"));
  proto::RuleHitList list = keeper_->Hits({});
  ASSERT_THAT(list.hits(), SizeIs(1));
  EXPECT_GT(list.hits(0).ended_unix_us(), list.hits(0).began_unix_us());
  EXPECT_THAT(keeper_->Hits({.open = true}).hits(), IsEmpty());
  EXPECT_EQ(keeper_->List().rules(0).hits(), 1u);
}

TEST_F(RuleKeeperTest, ALimitThatIsTighterAlreadyStaysAndTheHitSaysSo) {
  limits_.cpu.value = std::chrono::milliseconds(50);
  Have(kRunaway);
  Kills(3);
  Pass(seconds(2));
  ASSERT_THAT(HitAt(0).done(), SizeIs(2));
  EXPECT_THAT(HitAt(0).done(0), HasSubstr("not done: tighten cpu 100ms: "));
  EXPECT_EQ(HitAt(0).done(1), "control 1: suspend");
}

TEST_F(RuleKeeperTest, ARuleThatHitsMostCanvasesDoesNothing) {
  Have(kRunaway);
  for (int i = 0; i < 12; ++i) {
    const std::string canvas = "c" + std::to_string(i);
    ASSERT_TRUE(book_.Publish(SomeRevision(canvas, 1)));
    for (int kill = 0; kill < 3; ++kill) End(proto::VERDICT_CPU_TIME, canvas);
  }
  Pass(seconds(2));
  ASSERT_THAT(told_, SizeIs(12));
  for (const auto& [event, hit] : told_) {
    EXPECT_TRUE(hit.held_back());
    EXPECT_THAT(hit.explanation(), HasSubstr("held back"));
    EXPECT_THAT(hit.done(), IsEmpty());
  }
  EXPECT_EQ(controls_.size(), 0u);
  EXPECT_EQ(Asked(proto::ToWriter::kListIncidents), 0u);
  EXPECT_EQ(Asked(proto::ToWriter::kControlWork), 0u);
}

TEST_F(RuleKeeperTest, OtherRulesLetHitsGoOnOrEndThem) {
  Have(std::string(kRunaway) + "[rule.errors]\nwhen = [\"errors >= 3\"]\nwindow = \"1m\"\n");
  Kills(3);
  for (int i = 0; i < 3; ++i) End(proto::VERDICT_PROGRAM_ERROR);
  Pass(seconds(2));
  ASSERT_THAT(told_, SizeIs(2));
  keeper_->Take(Parse(kRunaway));
  Question(proto::ToWriter::kCountersWanted, {});
  ASSERT_THAT(told_, SizeIs(3));
  EXPECT_EQ(HitAt(2).rule(), "errors");
  EXPECT_EQ(EventAt(2), RuleKeeper::Event::kEnded);
  EXPECT_THAT(HitAt(2).over(), HasSubstr("no such rule"));
  Kills(3);
  Pass(seconds(2));
  EXPECT_THAT(told_, SizeIs(3)) << "the other goes on";
  Pass(minutes(10));
  ASSERT_THAT(told_, SizeIs(4));
  EXPECT_EQ(HitAt(3).rule(), "runaway");
  EXPECT_EQ(HitAt(3).id(), HitAt(0).rule() == "runaway" ? HitAt(0).id() : HitAt(1).id());
}

TEST_F(RuleKeeperTest, WindowsGoOnWhereTheSupervisorBeforeLeftThem) {
  Start(kRunaway);
  Kills(1);
  Pass(seconds(10));
  EXPECT_THAT(told_, IsEmpty()) << "nothing is looked at before that is read";
  proto::ToWriter hits = Question(proto::ToWriter::kRuleHitsWanted, {});
  EXPECT_EQ(hits.rule_hits_wanted().after(), "");
  proto::FromWriter counted = Counted(minutes(0), "kills", 1);
  counted.mutable_counters()->set_more(true);
  proto::ToWriter first = Question(proto::ToWriter::kCountersWanted, counted);
  EXPECT_EQ(first.counters_wanted().since_unix_s(), UnixMillis(clock_.Wall()) / 1000 - 120);
  proto::ToWriter next =
      Question(proto::ToWriter::kCountersWanted, Counted(minutes(0), "kills", 1));
  EXPECT_EQ(next.counters_wanted().after_unix_s(), counted.counters().slots(0).begins_unix_s());
  Pass(seconds(2));
  ASSERT_THAT(told_, SizeIs(1));
  EXPECT_THAT(HitAt(0).explanation(), HasSubstr("kills = 3 (>= 3)"));
}

TEST_F(RuleKeeperTest, HitsOutliveTheSupervisor) {
  Have(kRunaway);
  Kills(3);
  Pass(seconds(2));
  const proto::RuleHit saved =
      Question(proto::ToWriter::kSaveRuleHit, proto::FromWriter()).save_rule_hit();
  EXPECT_EQ(saved.id(), HitAt(0).id());
  EXPECT_THAT(saved.done(), SizeIs(2));
  journal_.questions.clear();
  told_.clear();

  proto::FromWriter hits;
  *hits.mutable_rule_hits()->add_hits() = saved;
  proto::RuleHit& over = *hits.mutable_rule_hits()->add_hits();
  over = saved;
  over.set_id(RunId::New(clock_.Wall()).ToString());
  over.set_ended_unix_us(saved.began_unix_us() + 1);
  proto::RuleHit& without_rule = *hits.mutable_rule_hits()->add_hits();
  without_rule = saved;
  without_rule.set_id(RunId::New(clock_.Wall()).ToString());
  without_rule.set_rule("gone");
  Start(kRunaway);
  Question(proto::ToWriter::kRuleHitsWanted, hits);
  Question(proto::ToWriter::kCountersWanted, Counted(minutes(0), "kills", 3));
  EXPECT_EQ(keeper_->Hits({}).hits_size(), 3);
  EXPECT_EQ(keeper_->open_hits(), 1u);
  ASSERT_THAT(told_, SizeIs(1));
  EXPECT_THAT(HitAt(0).over(), HasSubstr("no such rule"));
  Pass(seconds(2));
  EXPECT_THAT(told_, SizeIs(1)) << "it goes on, and is not told anew";
  Pass(minutes(10));
  ASSERT_THAT(told_, SizeIs(2));
  EXPECT_EQ(HitAt(1).id(), saved.id());
  EXPECT_EQ(EventAt(1), RuleKeeper::Event::kEnded);
}

TEST_F(RuleKeeperTest, TheWriterThatGoesAwayIsAskedAgainAndOneThatCannotReadHoldsNothingUp) {
  journal_.away = true;
  Start(kRunaway);
  Kills(3);
  Pass(seconds(2));
  EXPECT_THAT(told_, IsEmpty());
  journal_.away = false;
  keeper_->WriterCame();
  ASSERT_EQ(Asked(proto::ToWriter::kRuleHitsWanted), 1u);
  auto fail = [&] {
    FakeJournal::Question last = std::move(journal_.questions.back());
    journal_.questions.pop_back();
    last.answered(Fail(ErrorCode::kInternal, "the disk is broken"));
  };
  fail();
  ASSERT_EQ(Asked(proto::ToWriter::kCountersWanted), 1u);
  fail();
  Pass(seconds(2));
  EXPECT_THAT(told_, SizeIs(1));
}

TEST_F(RuleKeeperTest, AWriterThatGoesAwayWhileItTellsHitsLeavesNoneTwice) {
  proto::FromWriter hits;
  proto::RuleHit& over = *hits.mutable_rule_hits()->add_hits();
  over.set_id(RunId::New(clock_.Wall()).ToString());
  over.set_rule("runaway");
  over.set_canvas("demo");
  over.set_ended_unix_us(1);
  hits.mutable_rule_hits()->set_more(true);
  Start(kRunaway);
  Question(proto::ToWriter::kRuleHitsWanted, hits);
  ASSERT_EQ(Asked(proto::ToWriter::kRuleHitsWanted), 1u);
  EXPECT_EQ(journal_.questions.back().question.rule_hits_wanted().after(), over.id());
  auto answered = std::move(journal_.questions.back().answered);
  journal_.questions.pop_back();
  answered(Fail(ErrorCode::kUnavailable, "the storage writer is away"));
  keeper_->WriterCame();
  hits.mutable_rule_hits()->set_more(false);
  Question(proto::ToWriter::kRuleHitsWanted, hits);
  EXPECT_EQ(keeper_->Hits({}).hits_size(), 1);
}

TEST_F(RuleKeeperTest, OtherRulesLookAtWhatWasCountedBeforeThem) {
  Have("[rule.errors]\nwhen = [\"errors >= 3\"]\nwindow = \"1m\"\n");
  Kills(2);
  Pass(seconds(2));
  keeper_->Take(Parse(kRunaway));
  // What the writer was not told yet is not among what it answers.
  Question(proto::ToWriter::kCountersWanted, Counted(minutes(0), "kills", 1));
  Pass(seconds(2));
  ASSERT_THAT(told_, SizeIs(1));
  EXPECT_EQ(HitAt(0).rule(), "runaway");
}

TEST_F(RuleKeeperTest, AHitThatCouldNotBeSavedIsSavedLater) {
  Have(kRunaway);
  Kills(3);
  journal_.away = true;
  Pass(seconds(2));
  ASSERT_THAT(told_, SizeIs(1));
  EXPECT_FALSE(keeper_->settled());
  journal_.away = false;
  Pass(seconds(2));
  EXPECT_EQ(Question(proto::ToWriter::kSaveRuleHit, {}).save_rule_hit().id(), HitAt(0).id());
  EXPECT_TRUE(keeper_->settled());
}

TEST_F(RuleKeeperTest, WhatIsCountedIsWhatRulesCall) {
  Have(kRunaway);
  Activity& activity = keeper_->activity();
  usage_.set_cpu_us(1'900'000);
  usage_.set_wall_us(1'000'000);
  usage_.set_pids_peak(2);
  usage_.set_output_bytes(7);
  usage_.set_trace_events(5);
  usage_.set_trace_dropped(1);
  End(proto::VERDICT_FINISHED);
  End(proto::VERDICT_PROGRAM_ERROR);
  End(proto::VERDICT_MEMORY);
  End(proto::VERDICT_CRASHED);
  End(proto::VERDICT_OPERATOR);
  End(proto::VERDICT_START_FAILED, "demo", false);
  refusal_ = proto::REFUSAL_QUEUE_TIME;
  End(proto::VERDICT_REFUSED, "demo", false);
  refusal_ = proto::REFUSAL_STOPPING;
  End(proto::VERDICT_REFUSED, "demo", false);
  for (proto::RefusalKind kind :
       {proto::REFUSAL_RATE, proto::REFUSAL_CONCURRENCY, proto::REFUSAL_QUOTA_CPU,
        proto::REFUSAL_SUSPENDED, proto::REFUSAL_BLOCKED, proto::REFUSAL_CAPACITY})
    activity.Refused("demo", kind);
  for (const char* path : {"/admin", "/admin", "/.git"}) activity.Missed("demo", path);
  activity.Came("demo");
  using rules::Counter;
  rules::Counts counts = activity.Take().at("demo");
  const std::map<Counter, uint64_t> wanted = {
      {Counter::kRequests, 1},        {Counter::kRuns, 5},          {Counter::kErrors, 1},
      {Counter::kKills, 2},           {Counter::kKillsMemory, 1},   {Counter::kKillsOther, 1},
      {Counter::kCpu, 5 * 1'900'000}, {Counter::kRefused, 6},       {Counter::kRefusedRate, 1},
      {Counter::kRefusedQueue, 2},    {Counter::kRefusedQuota, 1},  {Counter::kRefusedControl, 2},
      {Counter::kNotFound, 3},        {Counter::kMissedPaths, 2},   {Counter::kNearCpu, 2},
      {Counter::kNearLimits, 2},      {Counter::kProcesses, 10},    {Counter::kTraceEvents, 25},
      {Counter::kTraceDropped, 5},    {Counter::kResponseBytes, 35}};
  for (size_t i = 0; i < rules::kCounters; ++i) {
    const Counter counter = static_cast<Counter>(i);
    auto at = wanted.find(counter);
    EXPECT_EQ(counts[counter], at == wanted.end() ? 0 : at->second) << rules::KeyOf(counter).name;
  }
  EXPECT_THAT(activity.Take(), IsEmpty());
}

RevisionPtr WithCode(const std::string& canvas, RevisionNumber number, uint64_t code) {
  Revision revision;
  revision.canvas = canvas;
  revision.number = number;
  if (code != 0) revision.manifest.add_handlers()->set_code_hash(code);
  return std::make_shared<const Revision>(std::move(revision));
}

TEST(CodeInUseTest, CountsCanvasesOfTheSameCodeWhileTheyAreUsed) {
  CodeInUse code;
  const std::chrono::sys_seconds start(seconds(1'000'000));
  for (const char* canvas : {"a", "b", "c"}) code.Used(*WithCode(canvas, 1, 7), start);
  code.Used(*WithCode("other", 1, 8), start);
  code.Used(*WithCode("empty", 1, 0), start);
  EXPECT_EQ(code.CanvasesLike("a"), 3u);
  EXPECT_EQ(code.CanvasesLike("other"), 1u);
  EXPECT_EQ(code.CanvasesLike("empty"), 0u);
  EXPECT_EQ(code.CanvasesLike("unused"), 0u);
  code.Used(*WithCode("b", 2, 8), start + seconds(1));
  EXPECT_EQ(code.CanvasesLike("a"), 2u);
  EXPECT_EQ(code.CanvasesLike("b"), 2u);
  code.Forget(start + CodeInUse::kInUse);
  EXPECT_EQ(code.CanvasesLike("a"), 0u);
  EXPECT_EQ(code.CanvasesLike("b"), 1u);
}

}  // namespace
}  // namespace nightjar::testing
