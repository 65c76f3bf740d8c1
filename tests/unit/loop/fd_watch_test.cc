#include "supervisor/loop/fd_watch.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ipc/core/fd.h"
#include "tests/support/loop_rig.h"

namespace nightjar {
namespace {

class FdWatchTest : public ::testing::Test {
 protected:
  FdWatchTest() {
    int ends[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    ours_ = Fd(ends[0]);
    theirs_ = Fd(ends[1]);
  }

  void TheySay(const std::string& text) {
    EXPECT_EQ(write(theirs_.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }

  testing::LoopRig rig_;
  Loop& loop_ = rig_.loop();
  Fd ours_, theirs_;
};

TEST_F(FdWatchTest, TellsAgainAsLongAsThereIsSomethingToRead) {
  int told = 0;
  FdWatch watch(loop_, ours_.get(), [&](unsigned events) {
    EXPECT_EQ(events, FdWatch::kReadable);
    if (++told == 3) loop_.Stop();
  });
  watch.Start(FdWatch::kReadable);
  TheySay("x");
  ASSERT_TRUE(rig_.Run());
  EXPECT_EQ(told, 3);
}

TEST_F(FdWatchTest, TellsOnlyWhatWasAskedForLast) {
  unsigned seen = 0;
  FdWatch watch(loop_, ours_.get(), [&](unsigned events) {
    seen |= events;
    loop_.Stop();
  });
  TheySay("x");
  watch.Start(FdWatch::kReadable | FdWatch::kWritable);
  watch.Start(FdWatch::kWritable);
  ASSERT_TRUE(rig_.Run());
  EXPECT_EQ(seen, FdWatch::kWritable);
}

TEST_F(FdWatchTest, AStoppedWatchIsSilentAndMayStartAgain) {
  int told = 0;
  FdWatch watch(loop_, ours_.get(), [&](unsigned) {
    ++told;
    loop_.Stop();
  });
  TheySay("x");
  watch.Start(FdWatch::kReadable);
  watch.Stop();
  loop_.Post([&] { loop_.Post([&] { loop_.Stop(); }); });
  ASSERT_TRUE(rig_.Run());
  EXPECT_EQ(told, 0);
  watch.Start(FdWatch::kReadable);
  ASSERT_TRUE(rig_.Run());
  EXPECT_EQ(told, 1);
}

TEST_F(FdWatchTest, TellsAHangupApart) {
  unsigned seen = 0;
  FdWatch watch(loop_, ours_.get(), [&](unsigned events) {
    seen = events;
    loop_.Stop();
  });
  watch.Start(FdWatch::kHangup);
  TheySay("x");
  ASSERT_EQ(shutdown(theirs_.get(), SHUT_WR), 0);
  ASSERT_TRUE(rig_.Run());
  EXPECT_EQ(seen, FdWatch::kHangup);
}

TEST_F(FdWatchTest, AnErrorIsToldUntilItsOwnerLooks) {
  // Unread bytes at the other end make its closing a reset, which is an error on ours.
  ASSERT_EQ(write(ours_.get(), "x", 1), 1);
  int told = 0;
  FdWatch watch(loop_, ours_.get(), [&](unsigned events) {
    EXPECT_TRUE(events & FdWatch::kReadable);
    EXPECT_TRUE(events & FdWatch::kHangup);
    if (++told < 3) return;
    char byte;
    EXPECT_EQ(read(ours_.get(), &byte, 1), -1);
    EXPECT_EQ(errno, ECONNRESET);
    loop_.Stop();
  });
  watch.Start(FdWatch::kReadable);
  theirs_.Close();
  ASSERT_TRUE(rig_.Run());
  EXPECT_EQ(told, 3);
}

TEST_F(FdWatchTest, MayBeDestroyedInItsOwnCallbackAndTheDescriptorClosedAndReused) {
  std::unique_ptr<FdWatch> watch;
  std::string held(100, 'x');
  watch = std::make_unique<FdWatch>(loop_, ours_.get(), [&, held](unsigned) {
    watch.reset();
    EXPECT_EQ(held, std::string(100, 'x'));
    int number = ours_.get();
    ours_.Close();
    int ends[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    ASSERT_EQ(ends[0], number);
    ours_ = Fd(ends[0]);
    theirs_ = Fd(ends[1]);
    watch = std::make_unique<FdWatch>(loop_, ours_.get(), [&](unsigned) { loop_.Stop(); });
    watch->Start(FdWatch::kReadable);
    TheySay("y");
  });
  watch->Start(FdWatch::kReadable);
  TheySay("x");
  EXPECT_TRUE(rig_.Run());
}

TEST_F(FdWatchTest, OneMayDestroyAnotherThatIsReadyInTheSameTurn) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  Fd a(ends[0]), b(ends[1]);
  std::unique_ptr<FdWatch> one, other;
  int told = 0;
  auto destroy_the_other = [&](std::unique_ptr<FdWatch>& victim) {
    return [&](unsigned) {
      ++told;
      victim.reset();
      loop_.Post([&] { loop_.Post([&] { loop_.Stop(); }); });
    };
  };
  one = std::make_unique<FdWatch>(loop_, a.get(), destroy_the_other(other));
  other = std::make_unique<FdWatch>(loop_, b.get(), destroy_the_other(one));
  one->Start(FdWatch::kWritable);
  other->Start(FdWatch::kWritable);
  // The survivor keeps telling; that the other is not told after its end is what counts.
  ASSERT_TRUE(rig_.Run());
  EXPECT_GE(told, 1);
  EXPECT_NE(one == nullptr, other == nullptr);
}

}  // namespace
}  // namespace nightjar
