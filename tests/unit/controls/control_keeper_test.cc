// Controls from their making to their end, with a disk that a test plays and a clock that stands
// still until a test moves it.

#include "supervisor/controls/control_keeper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "supervisor/controls/controlled_policy.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_journal.h"
#include "tests/support/loop_rig.h"
#include "tests/support/one_policy.h"

namespace nightjar::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;

class ControlKeeperTest : public ::testing::Test {
 protected:
  proto::Control Order(proto::ControlKind kind, Nanos lasts = Nanos(0)) {
    proto::Control control;
    control.set_kind(kind);
    control.set_canvas("demo");
    control.set_by("root");
    control.set_reason("abuse");
    if (lasts > Nanos(0))
      control.set_expires_unix_us(UnixMicros(clock_.Wall()) + lasts.count() / 1000);
    return control;
  }
  uint64_t Make(proto::Control control) {
    auto made = keeper_.Make(std::move(control), [this](bool kept) { kept_.push_back(kept); });
    EXPECT_TRUE(made);
    return made ? made->id() : 0;
  }
  void Answer(Result<proto::FromWriter> answer = proto::FromWriter()) {
    auto answered = std::move(journal_.questions.at(0).answered);
    journal_.questions.erase(journal_.questions.begin());
    answered(std::move(answer));
  }
  void Refuse() { Answer(Fail(ErrorCode::kUnavailable, "the disk is full")); }
  const proto::ControlWork& Asked(size_t at) {
    return journal_.questions.at(at).question.control_work();
  }

  LoopRig rig_;
  FakeClock clock_;
  FakeJournal journal_;
  ControlBook book_;
  std::vector<uint64_t> changed_, expired_;
  std::vector<bool> kept_;
  ControlKeeper keeper_{
      {rig_.loop(), clock_, journal_, book_,
       [this](const proto::Control& control) { changed_.push_back(control.id()); },
       [this](const proto::Control& control) { expired_.push_back(control.id()); }}};
};

TEST_F(ControlKeeperTest, IsInForceBeforeItIsKept) {
  uint64_t id = Make(Order(proto::CONTROL_SUSPEND));
  EXPECT_NE(book_.Suspension("demo"), nullptr);
  EXPECT_THAT(changed_, ElementsAre(id));
  EXPECT_TRUE(kept_.empty());
  Answer();
  EXPECT_THAT(kept_, ElementsAre(true));
  EXPECT_TRUE(keeper_.Lift(id, [this](bool kept) { kept_.push_back(kept); }));
  EXPECT_EQ(book_.Suspension("demo"), nullptr);
  EXPECT_EQ(Asked(0).remove(), id);
  EXPECT_FALSE(keeper_.Lift(id, [](bool) {}));
}

TEST_F(ControlKeeperTest, WhatCannotBeKeptHoldsAndIsTriedAgain) {
  uint64_t id = Make(Order(proto::CONTROL_SUSPEND));
  Refuse();
  EXPECT_THAT(kept_, ElementsAre(false));
  EXPECT_NE(book_.Find(id), nullptr);
  keeper_.Retry();
  EXPECT_EQ(Asked(0).save().id(), id);
  // Lifted meanwhile: the newest word is the one that is kept.
  EXPECT_TRUE(keeper_.Lift(id, [](bool) {}));
  Refuse();
  Refuse();
  keeper_.Retry();
  ASSERT_EQ(journal_.questions.size(), 1u);
  EXPECT_EQ(Asked(0).remove(), id);
  Answer();
  keeper_.Retry();
  EXPECT_TRUE(journal_.questions.empty());
}

TEST_F(ControlKeeperTest, NobodyWaitsLongForADiskThatDoesNotAnswer) {
  Make(Order(proto::CONTROL_BLOCK));
  keeper_.Retry();
  EXPECT_TRUE(kept_.empty());
  clock_.Advance(seconds(2));
  keeper_.Retry();
  EXPECT_THAT(kept_, ElementsAre(false));
  Answer();
  EXPECT_EQ(kept_.size(), 1u);
}

TEST_F(ControlKeeperTest, EndsByTheClockAndNotBefore) {
  uint64_t id = Make(Order(proto::CONTROL_PAUSE, milliseconds(2)));
  uint64_t stays = Make(Order(proto::CONTROL_PAUSE, seconds(50)));
  int turns = 0;
  ASSERT_TRUE(rig_.RunUntil([&] { return ++turns > 50; }));
  EXPECT_TRUE(expired_.empty());
  clock_.Advance(milliseconds(2));
  ASSERT_TRUE(rig_.RunUntil([&] { return !expired_.empty(); }));
  EXPECT_THAT(expired_, ElementsAre(id));
  EXPECT_EQ(book_.Find(id), nullptr);
  EXPECT_NE(book_.Find(stays), nullptr);
  EXPECT_EQ(Asked(2).remove(), id);
}

TEST_F(ControlKeeperTest, AStartFindsWhatIsLeftAndUsesNoIdAgain) {
  proto::FromWriter stored;
  proto::ControlsStored& controls = *stored.mutable_controls();
  *controls.add_controls() = Order(proto::CONTROL_SUSPEND);
  controls.mutable_controls(0)->set_id(3);
  *controls.add_controls() = Order(proto::CONTROL_BLOCK, milliseconds(1));
  controls.mutable_controls(1)->set_id(4);
  controls.set_last_id(9);
  clock_.Advance(seconds(1));
  bool loaded = false;
  keeper_.Load([&](Status status) { loaded = status.has_value(); });
  Answer(stored);
  EXPECT_TRUE(loaded);
  EXPECT_NE(book_.Find(3), nullptr);
  EXPECT_THAT(expired_, ElementsAre(4));
  EXPECT_EQ(Make(Order(proto::CONTROL_BLOCK)), 10u);
}

TEST_F(ControlKeeperTest, ThereIsABoundOnThem) {
  journal_.away = true;
  for (size_t i = 0; i < kControlsMax; ++i) Make(Order(proto::CONTROL_BLOCK));
  EXPECT_FALSE(keeper_.Make(Order(proto::CONTROL_BLOCK), [](bool) {}));
}

class ControlBookTest : public ::testing::Test {
 protected:
  void Add(uint64_t id, proto::ControlKind kind, const std::string& handler = "",
           const std::string& handler_kind = "") {
    proto::Control control;
    control.set_id(id);
    control.set_kind(kind);
    control.set_canvas("demo");
    control.set_handler(handler);
    control.set_handler_kind(handler_kind);
    control.set_by("root");
    control.set_reason("abuse");
    book_.Add(control);
  }
  void Tighten(uint64_t id, const std::string& limit, const std::string& value,
               const std::string& handler = "") {
    proto::Control control;
    control.set_id(id);
    control.set_kind(proto::CONTROL_TIGHTEN);
    control.set_canvas("demo");
    control.set_handler(handler);
    control.set_limit(limit);
    control.set_value(value);
    control.set_by("root");
    control.set_reason("abuse");
    book_.Add(control);
  }
  uint64_t Holding(const std::string& name, proto::EngineKind engine,
                   proto::HandlerKind kind = proto::HANDLER_KIND_HTTP) {
    proto::HandlerEntry handler;
    handler.set_kind(kind);
    handler.set_name(name);
    handler.set_engine(engine);
    const proto::Control* control = book_.Holding("demo", handler);
    return control == nullptr ? 0 : control->id();
  }
  policy::Limits For(const std::string& handler = "") {
    return ControlledPolicy(std::make_shared<const OnePolicy>(limits_), book_).For("demo", handler);
  }

  policy::Limits limits_;
  ControlBook book_;
};

TEST_F(ControlBookTest, ABlockGoesBeforeAPauseAndEachIsOfItsHandlersAlone) {
  Add(1, proto::CONTROL_PAUSE);
  Add(2, proto::CONTROL_BLOCK, "GET /a");
  Add(3, proto::CONTROL_BLOCK, "", "exec");
  EXPECT_EQ(Holding("GET /a", proto::ENGINE_DARK), 2u);
  EXPECT_EQ(Holding("GET /b", proto::ENGINE_DARK), 1u);
  EXPECT_EQ(Holding("GET /b", proto::ENGINE_EXEC), 3u);
  book_.Remove(1);
  EXPECT_EQ(Holding("GET /b", proto::ENGINE_DARK), 0u);
}

TEST_F(ControlBookTest, HandlersOfEveryKindThatHasANameAreHeldByIt) {
  const std::pair<const char*, proto::HandlerKind> kinds[] = {
      {"http", proto::HANDLER_KIND_HTTP},
      {"worker", proto::HANDLER_KIND_WORKER},
      {"cron", proto::HANDLER_KIND_CRON}};
  for (auto [word, kind] : kinds) {
    Add(1, proto::CONTROL_BLOCK, "", word);
    for (auto [other_word, other] : kinds)
      EXPECT_EQ(Holding("x", proto::ENGINE_DARK, other), other == kind ? 1u : 0u)
          << word << " " << other_word;
    EXPECT_EQ(Holding("x", proto::ENGINE_DARK, proto::HANDLER_KIND_REPL), 0u) << word;
    book_.Remove(1);
  }
}

TEST_F(ControlBookTest, WhatIsTightenedHasItsOwnOriginAndNeverLoosens) {
  Tighten(1, "wall", "1s");
  Tighten(2, "wall", "500ms", "GET /a");
  Tighten(3, "cpu", "1h");
  Tighten(4, "gone_since", "1");
  EXPECT_EQ(For().wall.value, seconds(1));
  EXPECT_EQ(For().wall.origin.source, "control 1 by root: abuse");
  EXPECT_EQ(For().wall.origin.layer, "canvas demo");
  EXPECT_EQ(For("GET /a").wall.value, milliseconds(500));
  EXPECT_EQ(For("GET /a").wall.origin.layer, "handler GET /a");
  EXPECT_EQ(For().cpu.value, limits_.cpu.value);
  limits_.wall.value = milliseconds(100);
  EXPECT_EQ(For().wall.value, milliseconds(100));
}

TEST_F(ControlBookTest, ARunsMemoryStaysWithinItsCanvas) {
  Tighten(1, "canvas_memory", "32MiB");
  EXPECT_EQ(For().memory_bytes.value, 32u << 20);
  EXPECT_EQ(For().memory_bytes.origin.source, "control 1 by root: abuse");
}

TEST_F(ControlBookTest, ASuspensionIsALimitWithItsReason) {
  Add(5, proto::CONTROL_SUSPEND);
  EXPECT_TRUE(For().suspended.value);
  EXPECT_EQ(For().suspended.origin.source, "control 5 by root: abuse");
  EXPECT_EQ(book_.List("demo").size(), 1u);
  EXPECT_EQ(book_.List("other").size(), 0u);
  book_.Remove(5);
  EXPECT_FALSE(For().suspended.value);
}

}  // namespace
}  // namespace nightjar::testing
