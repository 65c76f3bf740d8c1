// The other sandboxes run at all, are judged, and what they do not end the outer cell ends. All
// their crimes: `make hostile`.
#include <gtest/gtest.h>

#include "tests/hostile/peers/peer_runner.h"
#include "tests/support/server_rig.h"

namespace nightjar::hostile {
namespace {

class PeersTest : public ::testing::Test {
 protected:
  PeerVerdict Commit(const Peer& peer, const std::string& name) {
    for (const CrimeRow& crime : crimes_)
      if (crime.name == name) return JudgePeer(crime, runner_.Run(peer, name, 0));
    ADD_FAILURE() << "no crime " << name;
    return {};
  }

  std::vector<CrimeRow> crimes_ = ParseCrimeTable(e2e::RunProgram({CRIME_PROGRAM}).out);
  PeerRunner runner_{CRIME_PROGRAM, 1};
};

TEST_F(PeersTest, EachOneThatIsInstalledRunsAndStopsWhatItCan) {
  size_t installed = 0;
  for (const Peer& peer : KnownPeers()) {
    SCOPED_TRACE(peer.name);
    // The others are not in Debian: what they answer is for the table to say.
    bool debians = peer.name.starts_with("bwrap") || peer.name.starts_with("crun");
    if (!debians || !peer.missing.empty()) continue;
    ++installed;
    for (const char* crime : {"writes_to_usr", "reads_shadow", "fills_tmp"}) {
      PeerVerdict verdict = Commit(peer, crime);
      EXPECT_EQ(verdict.outcome, PeerOutcome::kStopped) << crime << ": " << verdict.why;
    }
    PeerVerdict sleeper = Commit(peer, "sleep_for_ever");
    EXPECT_EQ(sleeper.outcome, PeerOutcome::kStopped) << sleeper.why;
    EXPECT_TRUE(sleeper.ended);
  }
  if (installed == 0) GTEST_SKIP() << "no other sandbox is installed here";
}

// No peer at all: what is left is the outer cell.
Peer Bare() {
  return {.name = "none",
          .version = "0",
          .missing = {},
          .command = [](const PeerPlace& place, const std::string& crime) {
            std::string uid = std::to_string(place.uid);
            return "echo begun; exec setpriv --reuid=" + uid + " --regid=" + uid +
                   " --clear-groups " + place.crimes + "/crime " + crime;
          }};
}

TEST_F(PeersTest, TheOuterCellEndsWhatNobodyDoes) {
  EXPECT_EQ(Commit(Bare(), "fork_bomb").why, "outer number of processes");
  EXPECT_EQ(Commit(Bare(), "touches_all").why, "outer memory");
  EXPECT_EQ(Commit(Bare(), "sleep_for_ever").why, "outer wall time");
}

TEST_F(PeersTest, WhoIsLeftIsFoundAndKilled) {
  PeerVerdict verdict = Commit(Bare(), "deaf_children");
  EXPECT_EQ(verdict.outcome, PeerOutcome::kNotStopped);
  EXPECT_EQ(verdict.why, "processes are left");
}

TEST_F(PeersTest, APeerThatCannotStartIsSaidToBeSo) {
  Peer broken{.name = "broken",
              .version = "0",
              .missing = {},
              .command = [](const PeerPlace&, const std::string&) {
                return "echo 'no permission' >&2; exit 1";
              }};
  PeerVerdict verdict = Commit(broken, "spin");
  EXPECT_EQ(verdict.outcome, PeerOutcome::kNotRun);
  EXPECT_EQ(verdict.why, "no permission");
}

}  // namespace
}  // namespace nightjar::hostile
