#include "supervisor/journal/missed_routes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ipc/core/bounds.h"
#include "tests/support/fake_journal.h"

namespace nightjar::testing {
namespace {

using ::testing::SizeIs;

proto::MissedRoute Seen(const std::string& path, int64_t at, const std::string& canvas = "demo") {
  proto::MissedRoute seen;
  seen.set_canvas(canvas);
  seen.set_method("GET");
  seen.set_path(path);
  seen.set_count(1);
  seen.set_first_unix_us(at);
  seen.set_last_unix_us(at);
  seen.set_request_line("GET " + path + "?at=" + std::to_string(at));
  return seen;
}

class MissedRoutesTest : public ::testing::Test {
 protected:
  proto::RoutesMissed Told() {
    EXPECT_FALSE(journal_.questions.empty());
    return journal_.questions.back().question.routes_missed();
  }
  void Answer(Result<proto::FromWriter> answer) {
    auto answered = std::move(journal_.questions.back().answered);
    journal_.questions.pop_back();
    answered(std::move(answer));
  }

  FakeJournal journal_;
  MissedRoutes missed_{journal_};
};

TEST_F(MissedRoutesTest, RequestsForOneRouteAreOneNote) {
  missed_.Add(Seen("/a", 5));
  missed_.Add(Seen("/a", 9));
  missed_.Add(Seen("/a", 7));
  EXPECT_THAT(journal_.questions, SizeIs(0));
  missed_.Tell();
  ASSERT_THAT(Told().routes(), SizeIs(1));
  const proto::MissedRoute note = Told().routes(0);
  EXPECT_EQ(note.count(), 3u);
  EXPECT_EQ(note.first_unix_us(), 5);
  EXPECT_EQ(note.last_unix_us(), 9);
  EXPECT_EQ(note.request_line(), "GET /a?at=9");
  Answer(proto::FromWriter());
  missed_.Tell();
  EXPECT_THAT(journal_.questions, SizeIs(0));
}

TEST_F(MissedRoutesTest, OneRequestOfEachRouteIsKeptUntilItIsTold) {
  EXPECT_TRUE(missed_.WantsRequest("demo", "GET", "/a"));
  proto::MissedRoute seen = Seen("/a", 5);
  seen.mutable_request()->set_body("first");
  missed_.Add(seen);
  EXPECT_FALSE(missed_.WantsRequest("demo", "GET", "/a"));
  EXPECT_TRUE(missed_.WantsRequest("demo", "PUT", "/a"));
  EXPECT_TRUE(missed_.WantsRequest("other", "GET", "/a"));
  missed_.Add(Seen("/a", 9));
  missed_.Tell();
  EXPECT_EQ(Told().routes(0).request().body(), "first");
  EXPECT_EQ(Told().routes(0).count(), 2u);
  EXPECT_TRUE(missed_.WantsRequest("demo", "GET", "/a"));
  seen.mutable_request()->set_body(std::string(bounds::kMissedRequestBytes, 'x'));
  Answer(proto::FromWriter());
  missed_.Add(seen);
  missed_.Tell();
  EXPECT_FALSE(Told().routes(0).has_request());
}

TEST_F(MissedRoutesTest, RequestsThatWaitAreBounded) {
  proto::MissedRoute seen;
  size_t kept = 0;
  while (missed_.WantsRequest("demo" + std::to_string(kept / 50), "GET", std::to_string(kept))) {
    seen = Seen(std::to_string(kept), 5, "demo" + std::to_string(kept / 50));
    seen.mutable_request()->set_body(std::string(bounds::kMissedRequestBytes - 100, 'x'));
    missed_.Add(seen);
    ASSERT_LT(++kept, 1000u);
  }
  EXPECT_GE(kept * bounds::kMissedRequestBytes, bounds::kMissedRequestsBytes);
  missed_.Tell();
  for (const auto& question : journal_.questions)
    EXPECT_LT(question.question.ByteSizeLong(), bounds::kFrameBytes);
  EXPECT_TRUE(missed_.WantsRequest("demo", "GET", "/new"));
}

TEST_F(MissedRoutesTest, WhatTheWriterDidNotTakeIsToldAgainWithWhatCameMeanwhile) {
  missed_.Add(Seen("/a", 5));
  missed_.Tell();
  EXPECT_FALSE(missed_.settled());
  missed_.Add(Seen("/a", 6));
  Answer(Fail(ErrorCode::kUnavailable, "away"));
  EXPECT_TRUE(missed_.settled());
  missed_.Tell();
  ASSERT_THAT(Told().routes(), SizeIs(1));
  EXPECT_EQ(Told().routes(0).count(), 2u);
  EXPECT_EQ(Told().routes(0).first_unix_us(), 5);
  EXPECT_EQ(Told().routes(0).last_unix_us(), 6);
}

TEST_F(MissedRoutesTest, AnAbsentWriterIsAskedOncePerTelling) {
  journal_.away = true;
  missed_.Add(Seen("/a", 5));
  missed_.Tell();
  missed_.Tell();
  journal_.away = false;
  missed_.Tell();
  EXPECT_EQ(Told().routes(0).count(), 1u);
}

TEST_F(MissedRoutesTest, AScannerFillsItsOwnCanvasAlone) {
  for (size_t i = 0; i < bounds::kMissedRoutesKept + 5; ++i)
    missed_.Add(Seen("/" + std::to_string(i), 1));
  missed_.Add(Seen("/0", 2));  // known, so it needs no room
  missed_.Add(Seen("/a", 1, "other"));
  EXPECT_EQ(missed_.dropped(), 5u);
  missed_.Tell();
  size_t notes = 0;
  for (const auto& question : journal_.questions)
    notes += static_cast<size_t>(question.question.routes_missed().routes_size());
  EXPECT_EQ(notes, bounds::kMissedRoutesKept + 1);
}

TEST_F(MissedRoutesTest, AllCanvasesTogetherAreBoundedAndEachMessageFitsAFrame) {
  const std::string longest(4 * bounds::kMissedTextBytes, 'x');
  for (size_t i = 0; i <= bounds::kMissedRoutesWaiting; ++i) {
    auto seen = Seen("/" + std::to_string(i) + longest, 1, "canvas" + std::to_string(i / 50));
    seen.set_method(longest);
    seen.set_request_line(longest);
    seen.set_caller(longest);
    missed_.Add(std::move(seen));
  }
  EXPECT_EQ(missed_.dropped(), 1u);
  missed_.Tell();
  size_t told = 0;
  for (const auto& question : journal_.questions) {
    EXPECT_LE(question.question.ByteSizeLong(), bounds::kFrameBytes - 100);
    told += static_cast<size_t>(question.question.routes_missed().routes_size());
  }
  EXPECT_EQ(told, bounds::kMissedRoutesWaiting);
}

TEST_F(MissedRoutesTest, AQuestionTellsFirst) {
  missed_.Add(Seen("/a", 5));
  std::optional<Result<proto::MissedList>> list;
  missed_.List("demo", [&](Result<proto::MissedList> answer) { list = std::move(answer); });
  ASSERT_THAT(journal_.questions, SizeIs(2));
  EXPECT_TRUE(journal_.questions[0].question.has_routes_missed());
  EXPECT_EQ(journal_.questions[1].question.list_missed().canvas(), "demo");
  proto::FromWriter answer;
  answer.mutable_missed()->add_routes()->set_path("/a");
  Answer(answer);
  ASSERT_TRUE(list && list->has_value());
  EXPECT_THAT((*list)->routes(), SizeIs(1));
  missed_.List("demo", [&](Result<proto::MissedList> failed) { list = std::move(failed); });
  Answer(Fail(ErrorCode::kTimedOut, "slow"));
  EXPECT_EQ(list->error().code, ErrorCode::kTimedOut);
}

TEST(MissedRoutesEndTest, AnAnswerAfterItsEndIsNoMatter) {
  FakeJournal journal;
  {
    MissedRoutes missed(journal);
    missed.Add(Seen("/a", 5));
    missed.Tell();
  }
  ASSERT_THAT(journal.questions, SizeIs(1));
  journal.questions[0].answered(Fail(ErrorCode::kUnavailable, "away"));
}

}  // namespace
}  // namespace nightjar::testing
