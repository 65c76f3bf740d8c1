#include "supervisor/usage/usage_tally.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ipc/core/bounds.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_journal.h"

namespace nightjar::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::IsEmpty;
using ::testing::SizeIs;

EndedRun Finished(const std::string& canvas = "demo") {
  EndedRun run;
  run.canvas = canvas;
  run.verdict = proto::VERDICT_FINISHED;
  run.had_worker = true;
  run.usage.set_wall_us(2'000'000);
  run.usage.set_cpu_us(500);
  run.usage.set_memory_peak_bytes(3 << 20);
  run.usage.set_output_bytes(11);
  run.usage.set_trace_events(7);
  run.usage.set_trace_bytes(130);
  run.request_bytes = 5;
  return run;
}

EndedRun WithoutWorker(proto::Verdict verdict) {
  EndedRun run;
  run.canvas = "demo";
  run.verdict = verdict;
  return run;
}

class UsageTallyTest : public ::testing::Test {
 protected:
  const proto::UsageTold& Told(size_t question = 0) {
    return journal_.questions.at(question).question.usage_told();
  }
  // Answers the oldest question.
  void Answer(Result<proto::FromWriter> answer = proto::FromWriter()) {
    auto answered = std::move(journal_.questions.front().answered);
    journal_.questions.erase(journal_.questions.begin());
    answered(std::move(answer));
  }
  int64_t Hour() const { return UnixMillis(clock_.Wall()) / 1000 / 3600 * 3600; }

  FakeClock clock_;
  FakeJournal journal_;
  CanvasSeries series_;
  UsageTally tally_{clock_, journal_, series_, UsageTally::Cpu::kOfCanvases};
};

TEST_F(UsageTallyTest, ARunIsInTheRowOfItsHour) {
  tally_.Ended(Finished());
  tally_.Ended(Finished());
  tally_.CpuUsed("demo", 4000);
  tally_.Stored("demo", 77);
  EXPECT_THAT(journal_.questions, IsEmpty());
  tally_.Tell();
  ASSERT_THAT(journal_.questions, SizeIs(1));
  ASSERT_THAT(Told().rows(), SizeIs(1));
  EXPECT_THAT(Told().life(), SizeIs(16));
  const proto::UsageRow& row = Told().rows(0);
  EXPECT_EQ(row.canvas(), "demo");
  EXPECT_EQ(row.begins_unix_s(), Hour());
  EXPECT_EQ(row.used().runs().at("finished"), 2u);
  EXPECT_EQ(row.used().cpu_us(), 4000u) << "the canvas's, not that of its runs";
  EXPECT_EQ(row.used().memory_kib_ms(), 2u * 3072 * 2000);
  EXPECT_EQ(row.used().request_bytes(), 10u);
  EXPECT_EQ(row.used().response_bytes(), 22u);
  EXPECT_EQ(row.used().trace_events(), 14u);
  EXPECT_EQ(row.used().trace_bytes(), 260u);
  EXPECT_EQ(row.used().stored_bytes(), 77u);
  EXPECT_FALSE(tally_.settled());
  Answer();
  EXPECT_TRUE(tally_.settled());
  tally_.Tell();
  EXPECT_THAT(journal_.questions, IsEmpty()) << "nothing has changed";
}

TEST_F(UsageTallyTest, RunsThatNeverBeganAreNotAmongTheVerdicts) {
  tally_.Ended(WithoutWorker(proto::VERDICT_REFUSED));
  tally_.Ended(WithoutWorker(proto::VERDICT_START_FAILED));
  tally_.Ended(WithoutWorker(proto::VERDICT_STOPPING));
  tally_.Refused("demo");
  tally_.Tell();
  const proto::UsageCounters& used = Told().rows(0).used();
  EXPECT_THAT(used.runs(), IsEmpty());
  EXPECT_EQ(used.refused(), 2u);
  EXPECT_EQ(used.unstarted(), 2u);
  EXPECT_EQ(tally_.UsedToday("demo").runs, 0u);
}

TEST_F(UsageTallyTest, WithoutControlGroupsRunsSayWhatTheyUsed) {
  UsageTally tally(clock_, journal_, series_, UsageTally::Cpu::kOfRuns);
  tally.Ended(Finished());
  tally.Ended(Finished());
  tally.Tell();
  EXPECT_EQ(Told().rows(0).used().cpu_us(), 1000u);
  EXPECT_EQ(tally.UsedToday("demo").cpu_us, 1000u);
}

TEST_F(UsageTallyTest, WhatIsToldIsTheWholeOfTheHour) {
  tally_.Ended(Finished());
  tally_.Tell();
  Answer();
  tally_.Ended(Finished());
  tally_.Tell();
  EXPECT_EQ(Told().rows(0).used().runs().at("finished"), 2u);
}

TEST_F(UsageTallyTest, WhatAWriterDidNotTakeIsToldAgain) {
  tally_.Ended(Finished());
  tally_.Tell();
  tally_.Ended(Finished());
  tally_.Tell();
  ASSERT_THAT(journal_.questions, SizeIs(2));
  Answer(Fail(ErrorCode::kUnavailable, "away"));
  Answer();
  EXPECT_FALSE(tally_.settled());
  journal_.away = true;
  tally_.Tell();
  EXPECT_FALSE(tally_.settled());
  journal_.away = false;
  tally_.Tell();
  EXPECT_EQ(Told().rows(0).used().runs().at("finished"), 2u);
  Answer();
  EXPECT_TRUE(tally_.settled());
}

// It may have heard of ended runs again that are counted already.
TEST_F(UsageTallyTest, ANewWriterIsToldThatThereIsNothingNew) {
  tally_.Ended(Finished());
  tally_.Tell();
  Answer();
  tally_.WriterCame();
  ASSERT_THAT(journal_.questions, SizeIs(1));
  EXPECT_THAT(Told().rows(), IsEmpty());
  EXPECT_THAT(Told().life(), SizeIs(16));
  Answer();
  tally_.Ended(Finished());
  tally_.WriterCame();
  ASSERT_THAT(journal_.questions, SizeIs(1));
  EXPECT_THAT(Told().rows(), SizeIs(1));
}

TEST_F(UsageTallyTest, AnHourThatIsOverIsLeftAlone) {
  const std::string life = [&] {
    tally_.Ended(Finished());
    tally_.Tell();
    return Told().life();
  }();
  Answer();
  const int64_t before = Hour();
  clock_.Advance(1h);
  tally_.Ended(Finished());
  tally_.Tell();
  ASSERT_THAT(Told().rows(), SizeIs(1));
  EXPECT_EQ(Told().rows(0).begins_unix_s(), before + 3600);
  EXPECT_EQ(Told().rows(0).used().runs().at("finished"), 1u);
  EXPECT_EQ(Told().life(), life);
  Answer();
  // The past hour is forgotten here, so that it must not be told under the same life again.
  clock_.SetWall(clock_.Wall() - 1h);
  tally_.Ended(Finished());
  tally_.Tell();
  EXPECT_EQ(Told().rows(0).begins_unix_s(), before);
  EXPECT_NE(Told().life(), life);
}

TEST_F(UsageTallyTest, ManyRowsTravelInMessagesThatFit) {
  for (int i = 0; i < 3000; ++i) tally_.CpuUsed("canvas-" + std::to_string(i), 1);
  tally_.Tell();
  size_t rows = 0;
  for (const auto& question : journal_.questions) {
    EXPECT_LE(question.question.ByteSizeLong(), bounds::kFrameBytes);
    rows += static_cast<size_t>(question.question.usage_told().rows_size());
  }
  EXPECT_EQ(rows, 3000u);
  EXPECT_GT(journal_.questions.size(), 1u);
}

TEST_F(UsageTallyTest, WhatFindsNoRoomIsCountedAndStillToday) {
  for (size_t i = 0; i < bounds::kUsageRowsWaiting; ++i)
    tally_.CpuUsed("canvas-" + std::to_string(i), 1);
  EXPECT_EQ(tally_.lost(), 0u);
  tally_.CpuUsed("one-more", 3);
  EXPECT_EQ(tally_.lost(), 1u);
  EXPECT_EQ(tally_.UsedToday("one-more").cpu_us, 3u);
}

TEST_F(UsageTallyTest, TheDayGoesOnFromWhatTheWriterHas) {
  Status loaded = Fail(ErrorCode::kInternal, "not yet");
  tally_.LoadDay([&](const Status& status) { loaded = status; });
  const proto::UsageWanted wanted = journal_.questions[0].question.usage_wanted();
  EXPECT_EQ(wanted.since_unix_s(), Hour()) << "the test's clock begins at midnight";
  EXPECT_EQ(wanted.until_unix_s(), Hour() + 86'400);
  EXPECT_EQ(wanted.by(), proto::USAGE_BY_CANVAS);
  auto page = [](const std::string& canvas, uint64_t runs) {
    proto::FromWriter answer;
    proto::UsageRow& row = *answer.mutable_usage()->add_rows();
    row.set_canvas(canvas);
    row.mutable_used()->set_cpu_us(40);
    (*row.mutable_used()->mutable_runs())["finished"] = runs;
    (*row.mutable_used()->mutable_runs())["wall_time"] = 1;
    return answer;
  };
  proto::FromWriter first = page("demo", 4);
  first.mutable_usage()->set_more(true);
  Answer(first);
  EXPECT_FALSE(loaded);
  EXPECT_EQ(journal_.questions.at(0).question.usage_wanted().after(), "demo");
  Answer(page("other", 8));
  EXPECT_TRUE(loaded);
  tally_.Ended(Finished());
  tally_.CpuUsed("demo", 2);
  EXPECT_EQ(tally_.UsedToday("demo").runs, 6u);
  EXPECT_EQ(tally_.UsedToday("demo").cpu_us, 42u);
  EXPECT_EQ(tally_.UsedToday("other").runs, 9u);
  clock_.Advance(24h);
  tally_.Ended(Finished());
  EXPECT_EQ(tally_.UsedToday("demo").runs, 1u);
  EXPECT_EQ(tally_.UsedToday("demo").day, policy::DayOf(clock_.Wall()));
}

TEST_F(UsageTallyTest, MetricsAreCountedBesides) {
  tally_.Ended(Finished());
  EndedRun killed = Finished();
  killed.verdict = proto::VERDICT_WALL_TIME;
  tally_.Ended(killed);
  tally_.Refused("demo");
  tally_.CpuUsed("demo", 9);
  const CanvasFigures& figures = series_.shown().at("demo").figures;
  EXPECT_EQ(figures.runs.at("finished"), 1u);
  EXPECT_EQ(figures.runs.at("killed"), 1u);
  EXPECT_EQ(figures.refused, 1u);
  EXPECT_EQ(figures.cpu_us, 9u);
}

}  // namespace
}  // namespace nightjar::testing
