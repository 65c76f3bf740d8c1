// Seccomp profiles: what a file means, everything that can be wrong with one, and the two that
// ship.
#include "policies/seccomp_profile.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <set>
#include <sstream>

#include "ipc/core/bounds.h"

namespace nightjar::policy {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Not;

constexpr uint64_t kAll = ~uint64_t{0};

std::vector<std::string> ErrorsOf(std::string_view text) {
  std::vector<PolicyError> errors;
  SeccompRules rules = ReadSeccompProfile(text, &errors);
  EXPECT_TRUE(errors.empty() || rules.empty());
  std::vector<std::string> lines;
  for (const PolicyError& error : errors)
    lines.push_back(std::to_string(error.line) + ":" + std::to_string(error.column) + ": " +
                    error.message);
  return lines;
}

SeccompRules MustRead(std::string_view text) {
  std::vector<PolicyError> errors;
  SeccompRules rules = ReadSeccompProfile(text, &errors);
  for (const PolicyError& error : errors)
    ADD_FAILURE() << error.line << ":" << error.column << ": " << error.message;
  return rules;
}

SeccompRules Shipped(const std::string& name) {
  std::ifstream file(std::string(NIGHTJAR_SOURCE_DIR) + "/policies/seccomp/" + name + ".toml");
  EXPECT_TRUE(file.good()) << name;
  std::stringstream text;
  text << file.rdbuf();
  return MustRead(text.str());
}

TEST(SeccompProfileTest, EachEntryIsARuleOrSome) {
  SeccompRules rules = MustRead(R"(
[allow]
read = "reads"
[allow.mmap]
reason = "maps"
without = { arg = 2, flags = ["PROT_EXEC", "PROT_WRITE"] }
[allow.fcntl]
reason = "flags"
only = { arg = 1, values = ["F_GETFD", 4] }
without = { arg = 2, flags = [0x10] }
[errno]
clone3 = { error = "ENOSYS", reason = "clone is tried next" }
)");
  EXPECT_THAT(rules, ElementsAre(SeccompRule{"read", 0, {}},
                                 SeccompRule{"mmap", 0, {{2, PROT_EXEC | PROT_WRITE, 0}}},
                                 SeccompRule{"fcntl", 0, {{2, 0x10, 0}, {1, kAll, F_GETFD}}},
                                 SeccompRule{"fcntl", 0, {{2, 0x10, 0}, {1, kAll, 4}}},
                                 SeccompRule{"clone3", ENOSYS, {}}));
}

TEST(SeccompProfileTest, ACallOfOtherArchitecturesIsRightAndHasNoRule) {
#if !defined(__x86_64__)
  GTEST_SKIP() << "socketcall may be a call here";
#endif
  EXPECT_THAT(MustRead("[allow]\nread = \"reads\"\nsocketcall = \"of 32 bits\"\n"),
              ElementsAre(SeccompRule{"read", 0, {}}));
}

struct Mistake {
  std::string text;
  std::string told;  // the one error
};

TEST(SeccompProfileTest, EveryMistakeHasItsPlace) {
  const std::string allow = "[allow]\n";
  const std::string fcntl = "[allow.fcntl]\nreason = \"r\"\n";
  const Mistake mistakes[] = {
      {"", "1:1: a profile that allows nothing"},
      {"[alow]\n", "1:2: unknown section `alow`; did you mean `allow`?"},
      {"[kill]\n", "1:2: unknown section `kill`; there are [allow] and [errno]"},
      {"allow = 1\n", "1:9: `allow` is a section, not an integer"},
      {allow + "raed = \"r\"\n", "2:1: unknown system call `raed`; did you mean `read`?"},
      {allow + "no_such_call_at_all = \"r\"\n", "2:1: unknown system call `no_such_call_at_all`"},
      {allow + "read = \"\"\n", "2:1: `read` has no reason: say what needs it"},
      {allow + "read = \"  \"\n", "2:1: `read` has no reason: say what needs it"},
      {allow + "execve = \"\"\n",
       "2:1: `execve` has no reason, and it runs another program: say what needs it"},
      {allow + "kill = {}\n",
       "2:1: `kill` has no reason, and it signals other processes: say what needs it"},
      {allow + "read = true\n",
       "2:8: `read` takes its reason as a text, or a table, not true or false"},
      {"[allow.read]\nreason = 7\n", "2:10: `reason` is a text, not an integer"},
      {"[allow.read]\nreason = \"r\"\nonyl = 1\n",
       "3:1: unknown key `onyl` of `read`; did you mean `only`?"},
      {"[allow]\nread = \"r\"\n[errno]\nread = { error = \"EPERM\", reason = \"r\" }\n",
       "4:1: `read` is in line 2 already"},
      // arguments
      {fcntl + "only = [1]\n", "3:8: `only` takes { arg = 0, values = [...] }, not an array"},
      {fcntl + "only = { arg = 1 }\n", "3:8: `only` needs `arg` and `values`"},
      {fcntl + "without = { arg = 1, values = [1] }\n", "3:22: unknown key `values` of `without`"},
      {fcntl + "only = { arg = 6, values = [1] }\n",
       "3:16: `arg` is the number of an argument, 0 to 5"},
      {fcntl + "only = { arg = -1, values = [1] }\n",
       "3:16: `arg` is the number of an argument, 0 to 5"},
      {fcntl + "only = { arg = 1, values = [] }\n",
       "3:28: `values` takes a list of constants or numbers"},
      {fcntl + "only = { arg = 1, values = \"F_GETFD\" }\n",
       "3:28: `values` takes a list of constants or numbers"},
      {fcntl + "only = { arg = 1, values = [\"F_GETFDD\"] }\n",
       "3:29: unknown constant `F_GETFDD`; did you mean `F_GETFD`?"},
      {fcntl + "only = { arg = 1, values = [-1] }\n",
       "3:29: a constant's name or a number from 0 is wanted here, not a negative one"},
      {fcntl + "without = { arg = 1, flags = [0] }\n", "3:11: `flags` holds no flag"},
      {fcntl + "only = { arg = 1, values = [1] }\nwithout = { arg = 1, flags = [2] }\n",
       "4:1: `only` and `without` are about the same argument"},
      // errno
      {allow + "read = \"r\"\n[errno]\nclone3 = \"ENOSYS\"\n",
       "4:10: `clone3` takes { error = \"ENOSYS\", reason = \"...\" }, not a string"},
      {"[errno]\nclone3 = { reason = \"r\" }\n", "2:1: `clone3` has no `error`"},
      {"[errno]\nclone3 = { error = \"ENOSYS\" }\n",
       "2:1: `clone3` has no reason: say what needs it"},
      {"[errno]\nclone3 = { error = \"ENOSYSS\", reason = \"r\" }\n",
       "2:20: `error` takes the name of an errno, such as \"ENOSYS\"; did you mean `ENOSYS`?"},
      {"[errno]\nclone3 = { error = 38, reason = \"r\" }\n",
       "2:20: `error` takes the name of an errno, such as \"ENOSYS\""},
      {"[allow]\nread = \n", "2:8: a value is missing after the `=`"},
  };
  for (const Mistake& mistake : mistakes) {
    auto errors = ErrorsOf(mistake.text);
    ASSERT_FALSE(errors.empty()) << mistake.text;
    EXPECT_EQ(errors[0].substr(0, mistake.told.size()), mistake.told) << mistake.text;
    // What the parser of TOML says goes on.
    if (mistake.told.find("Error while") != std::string::npos) continue;
    EXPECT_THAT(errors, ElementsAre(mistake.told)) << mistake.text;
  }
}

TEST(SeccompProfileTest, SomeGrantsAreRefusedWhateverTheReason) {
  for (const char* call : {"unshare",
                           "setns",
                           "clone3",
                           "clone",
                           "mount",
                           "umount2",
                           "pivot_root",
                           "chroot",
                           "move_mount",
                           "open_tree",
                           "fsopen",
                           "fsconfig",
                           "fsmount",
                           "fspick",
                           "mount_setattr",
                           "ptrace",
                           "process_vm_readv",
                           "process_vm_writev",
                           "pidfd_getfd",
                           "kcmp",
                           "bpf",
                           "perf_event_open",
                           "userfaultfd",
                           "io_uring_setup",
                           "io_uring_enter",
                           "io_uring_register",
                           "keyctl",
                           "add_key",
                           "request_key",
                           "init_module",
                           "finit_module",
                           "delete_module",
                           "kexec_load",
                           "kexec_file_load",
                           "reboot",
                           "clock_settime",
                           "settimeofday",
                           "adjtimex",
                           "clock_adjtime",
                           "open_by_handle_at",
                           "personality",
                           "seccomp",
                           "socket",
                           "socketpair",
                           "ioctl",
                           "prctl",
                           "iopl",
                           "swapon",
                           "sethostname"}) {
    auto errors = ErrorsOf("[allow]\n" + std::string(call) + " = \"we really need it\"\n");
    ASSERT_EQ(errors.size(), 1u) << call;
    EXPECT_EQ(errors[0].find("2:1: `" + std::string(call) + "` is never granted: "), 0u)
        << errors[0];
  }
}

TEST(SeccompProfileTest, AConditionThatIsTooWeakIsRefusedToo) {
  auto granted = [](const std::string& call, const std::string& condition) {
    return ErrorsOf("[allow." + call + "]\nreason = \"r\"\n" + condition + "\n").empty();
  };
  const std::string six = R"("CLONE_NEWNS", "CLONE_NEWCGROUP", "CLONE_NEWUTS", "CLONE_NEWIPC",
    "CLONE_NEWPID", "CLONE_NEWNET")";
  EXPECT_FALSE(granted("clone", "without = { arg = 0, flags = [" + six + "] }"));
  EXPECT_FALSE(granted("clone", "without = { arg = 1, flags = [" + six + ", \"CLONE_NEWUSER\"] }"));
  EXPECT_FALSE(granted("clone", "only = { arg = 0, values = [\"CLONE_NEWUSER\"] }"));
  EXPECT_TRUE(granted("clone", "without = { arg = 0, flags = [" + six + ", \"CLONE_NEWUSER\"] }"));
  EXPECT_FALSE(granted("socket", "only = { arg = 0, values = [\"AF_UNIX\", \"AF_INET\"] }"));
  EXPECT_FALSE(granted("socket", "only = { arg = 1, values = [\"AF_UNIX\"] }"));
  EXPECT_TRUE(granted("socket", "only = { arg = 0, values = [\"AF_UNIX\"] }"));
  EXPECT_FALSE(granted("ioctl", "only = { arg = 1, values = [\"TCGETS\", \"TIOCSTI\"] }"));
  EXPECT_FALSE(granted("ioctl", "only = { arg = 0, values = [1] }"));
  EXPECT_FALSE(granted("prctl", "only = { arg = 0, values = [\"PR_SET_SECCOMP\"] }"));
  EXPECT_TRUE(granted("prctl", "only = { arg = 0, values = [\"PR_SET_NAME\"] }"));
}

TEST(SeccompProfileTest, BoundsWhatItReadsAndWhatItSays) {
  EXPECT_EQ(ErrorsOf(std::string(bounds::kPolicyBytes + 1, '#')).size(), 1u);
  std::string many = "[allow]\n";
  for (int i = 0; i < 100; ++i) many += "nothing_" + std::to_string(i) + " = \"r\"\n";
  auto errors = ErrorsOf(many);
  ASSERT_EQ(errors.size(), bounds::kPolicyErrors);
  EXPECT_NE(errors.back().find("; and 80 more"), std::string::npos) << errors.back();
}

std::set<std::string> CallsOf(const SeccompRules& rules) {
  std::set<std::string> calls;
  for (const SeccompRule& rule : rules) calls.insert(rule.call);
  return calls;
}

TEST(ShippedProfilesTest, TheInterpretersIsShort) {
  SeccompRules rules = Shipped("interpreter");
  EXPECT_LE(CallsOf(rules).size(), 36u);
  EXPECT_THAT(rules, Contains(SeccompRule{"mmap", 0, {{2, PROT_EXEC, 0}}}));
  EXPECT_THAT(rules, Contains(SeccompRule{"mprotect", 0, {{2, PROT_EXEC, 0}}}));
  EXPECT_THAT(rules, Contains(SeccompRule{"tgkill", 0, {{0, kAll, 1}}}));
  EXPECT_THAT(rules, Contains(SeccompRule{"fcntl", 0, {{1, kAll, F_ADD_SEALS}}}));
  // Handing over what tells of denied calls, and closing it.
  for (const char* call : {"sendmsg", "close"})
    EXPECT_THAT(rules, Contains(SeccompRule{call, 0, {}}));
  for (const SeccompRule& rule : rules) EXPECT_EQ(rule.error, 0) << rule.call;
  for (const char* call : {"open", "openat", "socket", "clone", "execve", "ioctl", "prctl"})
    EXPECT_THAT(CallsOf(rules), Not(Contains(call)));
}

TEST(ShippedProfilesTest, AProgramsHoldsWhatAShellNeedsAndNoWayOut) {
  SeccompRules rules = Shipped("program");
  for (const char* call : {"openat", "pipe2", "execve", "wait4", "mmap", "rt_sigaction", "sendmsg"})
    EXPECT_THAT(rules, Contains(SeccompRule{call, 0, {}}));
  EXPECT_THAT(rules, Contains(SeccompRule{"socketpair", 0, {{0, kAll, AF_UNIX}}}));
  EXPECT_THAT(rules, Contains(SeccompRule{"clone3", ENOSYS, {}}));
  EXPECT_THAT(rules, Contains(SeccompRule{"socket", EAFNOSUPPORT, {}}));
}

}  // namespace
}  // namespace nightjar::policy
