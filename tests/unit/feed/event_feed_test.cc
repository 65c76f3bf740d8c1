#include "supervisor/feed/event_feed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "ipc/core/bounds.h"
#include "ipc/core/ids.h"
#include "supervisor/feed/events.h"
#include "tests/support/fake_clock.h"

namespace nightjar::testing {
namespace {

using ::testing::HasSubstr;

class EventFeedTest : public ::testing::Test {
 protected:
  void Happen(const std::string& request_line = "GET /x") {
    if (feed_.Wants()) feed_.Publish(NotFoundEvent("demo", request_line));
  }

  FakeClock clock_;
  EventFeed feed_{clock_};
};

TEST_F(EventFeedTest, ForNobodyAnEventIsOnlyCounted) {
  uint64_t before = feed_.next();
  EXPECT_FALSE(feed_.Wants());
  EXPECT_EQ(feed_.next(), before + 1);
  EXPECT_EQ(feed_.oldest(), feed_.next());
}

TEST_F(EventFeedTest, AReaderIsToldAndFindsTheEvent) {
  std::vector<std::string> seen;
  auto reader = feed_.Read([&] { seen.push_back(feed_.At(feed_.next() - 1).request_line()); });
  Happen("GET /a");
  Happen("GET /b");
  EXPECT_EQ(seen, (std::vector<std::string>{"GET /a", "GET /b"}));
  EXPECT_EQ(feed_.oldest() + 2, feed_.next());
  EXPECT_THAT(feed_.JsonAt(feed_.oldest()), HasSubstr("\"request_line\":\"GET /a\""));
  EXPECT_THAT(feed_.JsonAt(feed_.oldest()), HasSubstr("\"kind\":\"FEED_KIND_NOT_FOUND\""));
}

TEST_F(EventFeedTest, WhatAReaderMissesInAMomentIsKept) {
  feed_.Read([] {}).reset();
  Happen("GET /a");
  EXPECT_EQ(feed_.oldest() + 1, feed_.next());
  clock_.Advance(bounds::kEventsKeptFor);
  Happen("GET /b");  // nobody came back
  EXPECT_EQ(feed_.oldest(), feed_.next());
}

TEST_F(EventFeedTest, OnlyTheNewestAreKept) {
  auto reader = feed_.Read([] {});
  for (size_t i = 0; i < bounds::kEventsKept + 3; ++i) Happen("GET /" + std::to_string(i));
  EXPECT_EQ(feed_.next() - feed_.oldest(), bounds::kEventsKept);
  EXPECT_EQ(feed_.At(feed_.oldest()).request_line(), "GET /3");
}

TEST_F(EventFeedTest, LongTextsAreCutAtACharacter) {
  auto reader = feed_.Read([] {});
  std::string text;
  while (text.size() < 3 * bounds::kEventTextBytes) text += "\u00e9";
  Happen("x" + text);
  const std::string& kept = feed_.At(feed_.oldest()).request_line();
  EXPECT_LE(kept.size(), bounds::kEventTextBytes);
  EXPECT_GE(kept.size(), bounds::kEventTextBytes - 1);
  EXPECT_EQ(kept.substr(kept.size() - 2), "\u00e9");
}

TEST_F(EventFeedTest, AReaderMayGoWhenItHearsOfAnEvent) {
  std::unique_ptr<EventFeed::Reader> first;
  int told = 0;
  first = feed_.Read([&] { first.reset(); });
  auto second = feed_.Read([&] { ++told; });
  Happen();
  Happen();
  EXPECT_EQ(told, 2);
}

TEST_F(EventFeedTest, ThereAreOnlySoManyReaders) {
  std::vector<std::unique_ptr<EventFeed::Reader>> readers;
  for (size_t i = 0; i < bounds::kEventReaders; ++i) readers.push_back(feed_.Read([] {}));
  EXPECT_EQ(feed_.Read([] {}), nullptr);
  readers.pop_back();
  EXPECT_NE(feed_.Read([] {}), nullptr);
}

TEST_F(EventFeedTest, EachKindHasItsName) {
  EXPECT_EQ(FeedKindName(proto::FEED_KIND_NOT_FOUND), "not_found");
  EXPECT_EQ(FeedKindNamed("kill"), proto::FEED_KIND_KILL);
  EXPECT_EQ(FeedKindNamed("murder"), proto::FEED_KIND_UNSPECIFIED);
  EXPECT_EQ(FeedKindNamed("unspecified"), proto::FEED_KIND_UNSPECIFIED);
}

TEST(EventsTest, ARefusalIsNoKill) {
  proto::RunEnded ended;
  ended.set_verdict(proto::VERDICT_REFUSED);
  ended.mutable_incident()->set_canvas("demo");
  EXPECT_EQ(IncidentEvent(ended).kind(), proto::FEED_KIND_REFUSAL);
  ended.set_verdict(proto::VERDICT_MEMORY);
  EXPECT_EQ(IncidentEvent(ended).kind(), proto::FEED_KIND_KILL);
}

TEST(EventsTest, AStoredRunSaysWhatItWas) {
  proto::RunBegan began;
  RunId id = RunId::New(SystemClock().Wall());
  began.set_run_id(std::string(id.bytes()));
  began.set_canvas("demo");
  began.set_handler("GET /hello");
  proto::RunEnded ended;
  ended.set_verdict(proto::VERDICT_FINISHED);
  ended.set_http_status(200);
  ended.mutable_usage()->set_wall_us(1234);
  proto::FeedEvent event = StoredEvent(began, ended);
  EXPECT_EQ(event.kind(), proto::FEED_KIND_TRACE);
  EXPECT_EQ(event.run_id(), id.ToString());
  EXPECT_EQ(event.handler(), "GET /hello");
  EXPECT_EQ(event.wall_us(), 1234u);
}

}  // namespace
}  // namespace nightjar::testing
