#include "supervisor/cli/event_text.h"

#include <gtest/gtest.h>

#include <vector>

#include "supervisor/cli/render_event.h"

namespace nightjar::cli {
namespace {

const std::string kTwo =
    ":\n\nid: a-1\nevent: kill\ndata: {\"x\":1}\n\n: beat\n\nid: a-2\nevent: deploy\ndata: "
    "one\ndata: "
    "two\n\n";

TEST(EventTextTest, TakesEventsApartWhereverTheyAreCut) {
  for (size_t cut = 0; cut <= kTwo.size(); ++cut) {
    EventText text;
    std::vector<ServerEvent> seen;
    auto each = [&](const ServerEvent& event) {
      seen.push_back(event);
      return true;
    };
    EXPECT_TRUE(text.Take(kTwo.substr(0, cut), each));
    EXPECT_TRUE(text.Take(kTwo.substr(cut), each));
    ASSERT_EQ(seen.size(), 2u) << cut;
    EXPECT_EQ(seen[0].id, "a-1");
    EXPECT_EQ(seen[0].kind, "kill");
    EXPECT_EQ(seen[0].data, "{\"x\":1}");
    EXPECT_EQ(seen[1].data, "one\ntwo");
    EXPECT_EQ(text.last_id(), "a-2");
  }
}

TEST(EventTextTest, StopsWhenItIsTold) {
  EventText text;
  int seen = 0;
  EXPECT_FALSE(text.Take(kTwo, [&](const ServerEvent&) { return ++seen < 1; }));
  EXPECT_EQ(seen, 1);
  EXPECT_EQ(text.last_id(), "a-1");
}

TEST(EventTextTest, ForgetsHalfAnEventWhenTheConnectionEnds) {
  EventText text;
  std::vector<std::string> seen;
  auto each = [&](const ServerEvent& event) {
    seen.push_back(event.data);
    return true;
  };
  text.Take("id: a-1\ndata: half", each);
  text.Restart();
  text.Take("data: whole\n\n", each);
  EXPECT_EQ(seen, std::vector<std::string>{"whole"});
}

TEST(EventTextTest, ALineWithoutAnEndIsRefused) {
  EventText text;
  EXPECT_FALSE(text.Take(std::string(100'000, 'x'), [](const ServerEvent&) { return true; }));
}

TEST(RenderEventTest, IsOneLineOfHarmlessText) {
  proto::FeedEvent event;
  event.set_kind(proto::FEED_KIND_KILL);
  event.set_canvas("demo");
  event.set_request_line("GET /x\n\x1b[2J");
  event.set_verdict(proto::VERDICT_WALL_TIME);
  event.set_detail("used 2.004 s of wall time");
  event.set_run_id("0199");
  EXPECT_EQ(RenderEvent(event, Paint()),
            "-  kill       demo              GET /x\\n\\x1b[2J  wall_time: used 2.004 s of wall "
            "time  0199\n");
}

}  // namespace
}  // namespace nightjar::cli
