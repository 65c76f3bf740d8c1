#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "tests/unit/ring/ring_rig.h"

namespace nightjar::testing {
namespace {

// Forks a child that runs `work` until it is killed.
template <typename Work>
pid_t StartChild(Work work) {
  pid_t child = fork();
  CHECK(child >= 0);
  if (child != 0) return child;
  prctl(PR_SET_PDEATHSIG, SIGKILL);  // a failing test leaves nobody behind
  work();
  _exit(0);
}

void Kill(pid_t child) {
  ASSERT_EQ(kill(child, SIGKILL), 0);
  int status;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
}

TEST(RingDeathTest, LeavesOnlyWholeRecordsInTheStream) {
  constexpr uint32_t kSeed = 99;
  SCOPED_TRACE(kSeed);
  std::mt19937 random(kSeed);
  for (int round = 0; round < 20; ++round) {
    GuardedRing ring;
    pid_t child = StartChild([&] {
      RingProducer producer(ring.bytes());
      producer.StartRun(RunId::New({}));
      for (uint64_t number = 1;;) {
        size_t bytes = 8 + number * 2654435761u % (number % 100 == 0 ? 16000 : 90);
        if (producer.Append(NumberedRecord(number, bytes))) ++number;
      }
    });
    RingConsumer consumer(ring.bytes());
    uint64_t last = 0;
    auto drain = [&] {
      auto taken = consumer.Drain(
          [&](auto record) {
            ExpectWhole(AsText(record));
            EXPECT_EQ(NumberOf(AsText(record)), ++last);
          },
          SIZE_MAX);
      ASSERT_TRUE(taken) << taken.error().ToString();
    };
    uint64_t enough = 1 + random() % 30000;
    while (last < enough && !HasFailure()) drain();
    Kill(child);
    drain();
    if (HasFailure()) FAIL() << "round " << round;
  }
}

TEST(RingDeathTest, LeavesAWholeTailAndSpine) {
  std::mt19937 random(100);
  for (int round = 0; round < 20; ++round) {
    GuardedRing ring;
    pid_t child = StartChild([&] {
      RingProducer producer(ring.bytes());
      for (uint64_t number = 1;; ++number) {
        producer.AppendTail(NumberedRecord(number, 8 + number * 7 % 3000));
        uint64_t depth = number % 200;
        producer.PushFrame(depth, {.call_id = depth + 1, .expr_id = depth, .kind = 1, .fn = "f"});
        producer.ShowCounters(number, 0, 0);
      }
    });
    uint64_t enough = 100 + random() % 20000;
    while (ReadRingCounters(ring.bytes()).events < enough) {
    }
    Kill(child);
    auto evidence = ReadRingEvidence(ring.bytes());
    ASSERT_TRUE(evidence) << evidence.error().ToString();
    ASSERT_GT(evidence->newest.size(), 4u);
    uint64_t last = NumberOf(evidence->newest.front()) - 1;
    for (const std::string& record : evidence->newest) {
      ExpectWhole(record);
      EXPECT_EQ(NumberOf(record), ++last);
    }
    EXPECT_GE(last, enough);
    for (const OpenFrame& frame : evidence->frames) {
      EXPECT_EQ(frame.call_id, frame.depth + 1);
      EXPECT_EQ(frame.expr_id, frame.depth);
      EXPECT_EQ(frame.fn, "f");
    }
  }
}

}  // namespace
}  // namespace nightjar::testing
