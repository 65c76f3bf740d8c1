#include "supervisor/host/probe.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "supervisor/host/host_facts.h"

namespace nightjar {
namespace {

const Privilege kRoot{Privilege::Kind::kRoot};

size_t ProbeGroups(const std::string& mount) {
  size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(mount))
    count +=
        entry.path().filename().string().starts_with("nightjar-probe-" + std::to_string(getpid()));
  return count;
}

TEST(ProbeTest, AgreesWithItselfAndLeavesNothingBehind) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root to try cgroups and namespaces";
  HostFacts facts = GatherHostFacts(kRoot);
  if (facts.hierarchies.unified_mount.empty())
    GTEST_SKIP() << "this host has no unified cgroup tree";
  EXPECT_EQ(ProbeGroups(facts.hierarchies.unified_mount), 0u);
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1) << "a child of the probe is left";
  EXPECT_FALSE(facts.cgroup_make.untried());
  EXPECT_FALSE(facts.cgroup_clone.untried());
  proto::DoctorAnswer answer = Probe(kRoot);
  EXPECT_EQ(answer.SerializeAsString(), Judge(facts).SerializeAsString());
  // This suite's sibling makes real cells here; whoever can run that can serve.
  bool enough = facts.cgroup_kill.works() &&
                facts.hierarchies.memory.home != ControllerHome::kNone &&
                facts.hierarchies.pids.home != ControllerHome::kNone;
  if (enough) {
    EXPECT_TRUE(Require(answer, std::vector<std::string>{"cpu"}));
  }
}

TEST(ProbeTest, RemovesWhatAKilledOneLeftAndNothingElse) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root to try cgroups and namespaces";
  HostFacts facts = GatherHostFacts(kRoot);
  if (facts.group_directory.empty()) GTEST_SKIP() << "this host has no cgroup tree to try";
  pid_t gone = fork();
  if (gone == 0) _exit(0);
  ASSERT_EQ(waitpid(gone, nullptr, 0), gone);
  auto group = [&](const std::string& name) {
    std::string path = facts.group_directory + "/" + name;
    EXPECT_TRUE(std::filesystem::create_directory(path)) << path;
    return path;
  };
  const std::string left = group("nightjar-probe-" + std::to_string(gone));
  const std::string in_use = group("nightjar-probe-" + std::to_string(getppid()));
  const std::string other = group("nightjar-probe-x" + std::to_string(gone));
  GatherHostFacts(kRoot);
  EXPECT_FALSE(std::filesystem::exists(left));
  EXPECT_EQ(rmdir(in_use.c_str()), 0);
  EXPECT_EQ(rmdir(other.c_str()), 0);
}

TEST(ProbeTest, AnOrdinaryUserGetsAnAnswerToo) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root to become an ordinary user";
  pid_t child = fork();
  if (child == 0) {
    if (setresgid(65534, 65534, 65534) != 0 || setresuid(65534, 65534, 65534) != 0) _exit(1);
    proto::DoctorAnswer answer = Probe({Privilege::Kind::kNone, 65534, "not asked"});
    _exit(!answer.can_serve() && answer.checks_size() > 10 && !Require(answer, {}) ? 0 : 2);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace nightjar
