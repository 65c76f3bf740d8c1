// What a program writes, on its way into the trace: secrets, lines and pieces.

#include "worker/exec/output_log.h"

#include <gmock/gmock.h>

#include "ipc/core/bounds.h"
#include "tests/unit/trace/trace_rig.h"
#include "worker/lang/secret_mask.h"

namespace nightjar::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class OutputLogTest : public ::testing::Test {
 protected:
  OutputLogTest() { rig_.Start(1 << 20); }
  ~OutputLogTest() override { lang::SecretMask::Set({}); }

  // What the trace holds of a program that wrote these pieces, event by event.
  std::vector<std::string> Logged(const std::vector<std::string>& pieces) {
    OutputLog log(rig_.recorder(), Recorder::Stream::kStandardOutput);
    for (const std::string& piece : pieces) log.Add(piece);
    log.Finish();
    std::vector<std::string> logged;
    for (const proto::TraceEvent& event : rig_.Drain())
      if (event.has_output()) logged.push_back(event.output().data());
    return logged;
  }
  std::string AllLogged(const std::vector<std::string>& pieces) {
    std::string all;
    for (const std::string& part : Logged(pieces)) all += part;
    return all;
  }

  TraceRig rig_;
};

TEST_F(OutputLogTest, WritesWholeLinesAndTheRestAtTheEnd) {
  EXPECT_THAT(Logged({"one\ntw", "o\nthree"}), ElementsAre("one\n", "two\n", "three"));
}

TEST_F(OutputLogTest, MasksASecretThatComesInPieces) {
  lang::SecretMask::Set({"swordfish"});
  EXPECT_EQ(AllLogged({"key sword", "fi", "sh\nand swordfishes"}), "key <secret>\nand <secret>es");
}

TEST_F(OutputLogTest, MasksTheLongerOfTwoThatBeginAlike) {
  lang::SecretMask::Set({"sword", "swordfish"});
  EXPECT_EQ(AllLogged({"a sword", "fish", " and a sword", "\n"}), "a <secret> and a <secret>\n");
}

TEST_F(OutputLogTest, MasksAllOfSecretsThatOverlap) {
  lang::SecretMask::Set({"ab\nab", "bcd"});
  EXPECT_EQ(AllLogged({"ab\nab\nab", "\nab", "\nabcd", "ab\n"}), "<secret>ab\n");
}

TEST_F(OutputLogTest, MasksASecretThatHasALineEndInIt) {
  lang::SecretMask::Set({"two\nlines"});
  EXPECT_EQ(AllLogged({"a two\nli", "nes b\n", "two\nlines"}), "a <secret> b\n<secret>");
}

TEST_F(OutputLogTest, MasksASecretThatIsLargerThanAnEvent) {
  const std::string secret(3 * bounds::kTraceEventBytes, 'k');
  lang::SecretMask::Set({secret});
  std::string logged = AllLogged({"begin ", secret, " end\n"});
  EXPECT_EQ(logged, "begin <secret> end\n");
}

// The word that stands for a secret must not hold one itself: it would show it, and be masked
// again with every piece that comes.
TEST_F(OutputLogTest, TheMaskShowsNoSecret) {
  lang::SecretMask::Set({"secret", "*"});
  std::vector<std::string> pieces(20, "a secret * ");
  std::string logged = AllLogged(pieces);
  EXPECT_THAT(logged, Not(HasSubstr("secret")));
  EXPECT_THAT(logged, Not(HasSubstr("*")));
  EXPECT_LT(logged.size(), 1000u);
}

TEST_F(OutputLogTest, WithoutAnyMaskThatHasNoSecretNothingStandsForOne) {
  lang::SecretMask::Set({"s", "*", "[", "."});
  EXPECT_EQ(AllLogged({"as*[.b"}), "ab");
}

}  // namespace
}  // namespace nightjar::testing
