// Helpers through a real launcher: children of this process, restarted when they die.

#include "supervisor/proc/helper.h"

#include <gtest/gtest.h>

#include "ipc/core/bounds.h"
#include "tests/kernel/proc/proc_rig.h"
#include "tests/support/loop_rig.h"

namespace nightjar::testing {
namespace {

class HelperTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "needs root, as the launcher does";
    LauncherPlan plan;
    plan.zygote = {TEST_SUPERVISOR, "--helper"};
    plan.writer = {TEST_SUPERVISOR, "--helper"};
    plan.nest = NestDuty::kWatchAndKill;
    StartLauncher(plan);
  }
  void StartLauncher(const LauncherPlan& plan) {
    auto launcher =
        Launcher::Start(rig_.loop(), TEST_SUPERVISOR, plan, {}, [this] { launcher_lost_ = true; });
    ASSERT_TRUE(launcher) << launcher.error().ToString();
    launcher_ = std::move(*launcher);
  }
  std::unique_ptr<Helper> MakeHelper(proto::HelperKind kind) {
    Helper::Events events;
    events.up = [this](Channel channel) {
      channel_.emplace(std::move(channel));
      ++ups_;
    };
    events.down = [this] { ++downs_; };
    auto helper = std::make_unique<Helper>(rig_.loop(), clock_, *launcher_, kind, "helper",
                                           std::move(events));
    helper->Start();
    EXPECT_TRUE(rig_.RunUntil([this] { return ups_ == 1; }));
    return helper;
  }
  void Say(std::string_view text) {
    ASSERT_EQ(send(channel_->fd(), text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
  }
  void Become(uint32_t uid) {
    Say("be " + std::to_string(uid));
    EXPECT_TRUE(rig_.RunUntil([this] {
      auto packet = channel_->Receive();
      return packet && *packet;
    }));
  }
  void End(Helper& helper) {
    bool stopped = false;
    helper.ExpectEnd([&] { stopped = true; });
    channel_.reset();
    EXPECT_TRUE(rig_.RunUntil([&] { return stopped; }));
  }

  LoopRig rig_;
  SystemClock clock_;
  bool launcher_lost_ = false;
  std::unique_ptr<Launcher> launcher_;
  std::optional<Channel> channel_;
  int ups_ = 0, downs_ = 0;
};

TEST_F(HelperTest, TalksOverItsSocketAndEndsWithIt) {
  auto helper = MakeHelper(proto::HELPER_WRITER);
  Say("hello");
  std::string heard;
  EXPECT_TRUE(rig_.RunUntil([&] {
    auto packet = channel_->Receive();
    if (packet && *packet) heard = (*packet)->bytes;
    return !heard.empty();
  }));
  EXPECT_EQ(heard, "hello");
  End(*helper);
  EXPECT_EQ(downs_, 1);
}

TEST_F(HelperTest, IsThisProcesssChildForEachKind) {
  for (auto kind : {proto::HELPER_WRITER, proto::HELPER_ZYGOTE}) {
    ups_ = 0;
    auto helper = MakeHelper(kind);
    std::string path = "/proc/" + std::to_string(helper->pid()) + "/status";
    std::string status = ReadFileAt(AT_FDCWD, path.c_str()).value_or("");
    EXPECT_NE(status.find("PPid:\t" + std::to_string(getpid()) + "\n"), std::string::npos)
        << status;
    // SYS_BOOT and SYS_MODULE, for two that a launcher has no use for.
    size_t at = status.find("CapBnd:\t");
    ASSERT_NE(at, std::string::npos);
    uint64_t bounding = strtoull(status.c_str() + at + 8, nullptr, 16);
    EXPECT_EQ(bounding & (1 << 22 | 1 << 16), 0u);
    End(*helper);
  }
}

// As on hosts with v1 control groups alone. The zygote stands for a worker here.
TEST_F(HelperTest, TheNestKillsAUsersProcessesAndNoOthers) {
  auto writer = MakeHelper(proto::HELPER_WRITER);  // outside the nest
  Fd outside = PidfdOf(writer->pid());
  Become(kSupervisorUid + 16);
  ups_ = 0;
  std::optional<Channel> writers(std::move(channel_));
  auto zygote = MakeHelper(proto::HELPER_ZYGOTE);
  Fd inside = PidfdOf(zygote->pid());
  Become(kSupervisorUid + 16);

  auto other = launcher_->KillUser(kSupervisorUid + 17);
  ASSERT_TRUE(other);
  EXPECT_TRUE(rig_.RunUntil([&] { return launcher_->kills_done() == *other; }));
  EXPECT_TRUE(Lives(inside));
  auto root = launcher_->KillUser(0);
  ASSERT_TRUE(root);
  EXPECT_TRUE(rig_.RunUntil([&] { return launcher_->kills_done() == *root; }));
  EXPECT_TRUE(Lives(inside));

  auto mine = launcher_->KillUser(kSupervisorUid + 16);
  ASSERT_TRUE(mine);
  EXPECT_TRUE(rig_.RunUntil([&] { return launcher_->kills_done() == *mine && downs_ == 1; }));
  EXPECT_FALSE(Lives(inside));
  EXPECT_TRUE(Lives(outside));
  EXPECT_TRUE(rig_.RunUntil([&] { return ups_ == 2; }));
  End(*zygote);
  channel_ = std::move(writers);
  End(*writer);
}

// More of them than a socket holds.
TEST_F(HelperTest, TheNestGetsThroughAsManyKillsAsThereAreWorkers) {
  auto zygote = MakeHelper(proto::HELPER_ZYGOTE);
  uint64_t last = 0;
  for (uint32_t i = 0; i < bounds::kWorkers; ++i) {
    auto ticket = launcher_->KillUser(kSupervisorUid + 100 + i);
    ASSERT_TRUE(ticket);
    last = *ticket;
  }
  EXPECT_LT(launcher_->kills_done(), last);
  EXPECT_TRUE(rig_.RunUntil([&] { return launcher_->kills_done() == last; }));
  End(*zygote);
}

TEST_F(HelperTest, ComesBackAfterItsDeathWithAFreshSocket) {
  auto helper = MakeHelper(proto::HELPER_ZYGOTE);
  int first = helper->pid();
  auto before = clock_.Mono();
  Say("exit");
  EXPECT_TRUE(rig_.RunUntil([this] { return ups_ == 2; }));
  EXPECT_GE(clock_.Mono() - before, bounds::kRestartBackoffMin);
  EXPECT_EQ(downs_, 1);
  EXPECT_NE(helper->pid(), first);
  Say("exit");
  before = clock_.Mono();
  EXPECT_TRUE(rig_.RunUntil([this] { return ups_ == 3; }));
  EXPECT_GE(clock_.Mono() - before, 2 * bounds::kRestartBackoffMin);
  End(*helper);
}

TEST_F(HelperTest, AProgramThatIsNotThereIsTriedAgain) {
  launcher_.reset();
  LauncherPlan plan;
  plan.zygote = plan.writer = {"/nonexistent/program"};
  StartLauncher(plan);
  Helper::Events events;
  events.up = [](Channel) {};
  events.down = [this] { ++downs_; };
  Helper helper(rig_.loop(), clock_, *launcher_, proto::HELPER_WRITER, "helper", std::move(events));
  helper.Start();
  EXPECT_TRUE(rig_.RunUntil([this] { return downs_ == 2; }));
  bool stopped = false;
  helper.ExpectEnd([&] { stopped = true; });
  EXPECT_TRUE(rig_.RunUntil([&] { return stopped; }));
}

TEST_F(HelperTest, MayBeForgottenWhileItStarts) {
  Helper::Events events;
  events.up = [this](Channel) { ++ups_; };
  events.down = [] {};
  auto forgotten = std::make_unique<Helper>(rig_.loop(), clock_, *launcher_, proto::HELPER_WRITER,
                                            "forgotten", std::move(events));
  forgotten->Start();
  forgotten.reset();
  auto helper = MakeHelper(proto::HELPER_WRITER);  // its answer comes after the other's
  EXPECT_EQ(ups_, 1);
  End(*helper);
}

TEST_F(HelperTest, AnEndThatIsWantedWhileItStartsComes) {
  Helper::Events events;
  events.up = [this](Channel) { ++ups_; };
  events.down = [] {};
  Helper helper(rig_.loop(), clock_, *launcher_, proto::HELPER_WRITER, "helper", std::move(events));
  helper.Start();
  bool stopped = false;
  helper.ExpectEnd([&] { stopped = true; });
  EXPECT_TRUE(rig_.RunUntil([&] { return stopped; }));
  EXPECT_EQ(ups_, 0);
}

TEST_F(HelperTest, TheLaunchersDeathIsToldAndLeavesItsHelpers) {
  auto helper = MakeHelper(proto::HELPER_ZYGOTE);
  Fd child = PidfdOf(helper->pid());
  Fd launcher = PidfdOf(launcher_->pid());
  ASSERT_EQ(syscall(SYS_pidfd_send_signal, launcher.get(), SIGKILL, nullptr, 0), 0);
  EXPECT_TRUE(rig_.RunUntil([this] { return launcher_lost_; }));
  EXPECT_TRUE(Lives(child));
  End(*helper);
}

}  // namespace
}  // namespace nightjar::testing
