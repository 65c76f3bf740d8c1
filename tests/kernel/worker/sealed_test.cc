// What a sealed worker is, seen from outside through /proc and told by itself.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <map>
#include <set>
#include <sstream>

#include "tests/kernel/worker/zygote_rig.h"

namespace nightjar::testing {
namespace {

class SealedTest : public ZygoteTest {
 protected:
  static std::string Proc(TestWorker& worker, const std::string& name) {
    return "/proc/" + std::to_string(worker.process().child().pid()) + "/" + name;
  }
  static std::string Read(TestWorker& worker, const char* name) {
    return ReadFileAt(AT_FDCWD, Proc(worker, name).c_str()).value_or("(unreadable)");
  }
  // Names to values, with blanks in front of a value removed.
  static std::map<std::string, std::string> ReadStatus(TestWorker& worker) {
    std::map<std::string, std::string> status;
    std::istringstream text(Read(worker, "status"));
    for (std::string line; std::getline(text, line);) {
      size_t colon = line.find(':');
      size_t value = line.find_first_not_of(" \t", colon + 1);
      status[line.substr(0, colon)] = value == std::string::npos ? "" : line.substr(value);
    }
    return status;
  }
  static std::string NamespaceOf(const std::string& process, const std::string& kind) {
    return std::filesystem::read_symlink("/proc/" + process + "/ns/" + kind).string();
  }
};

TEST_F(SealedTest, ItIsAUserOfItsOwnWithoutPrivileges) {
  auto worker = SpawnArmed();
  ASSERT_NE(worker, nullptr);
  auto status = ReadStatus(*worker);
  std::string id = std::to_string(worker->uid());
  std::string four = id + "\t" + id + "\t" + id + "\t" + id;
  EXPECT_EQ(status["Uid"], four);
  EXPECT_EQ(status["Gid"], four);
  EXPECT_EQ(status["Groups"], "");
  for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"})
    EXPECT_EQ(status[set], "0000000000000000") << set;
  EXPECT_EQ(status["NoNewPrivs"], "1");
  EXPECT_EQ(status["Seccomp"], "2");
  EXPECT_EQ(status["Threads"], "1");
  EXPECT_EQ(status["SigIgn"], "0000000000000000");
  EXPECT_EQ(status["SigBlk"], "0000000000000000");
  EXPECT_EQ(status["Umask"], "0077");
  EXPECT_EQ(status["PPid"], std::to_string(getpid()));
  // Not dumpable: its files in /proc are root's.
  struct stat info;
  ASSERT_EQ(stat(Proc(*worker, "maps").c_str(), &info), 0);
  EXPECT_EQ(info.st_uid, 0u);
}

TEST_F(SealedTest, ItIsTheFirstProcessOfItsNamespaceAndSharesNoneWithTheHost) {
  auto worker = SpawnArmed();
  ASSERT_NE(worker, nullptr);
  auto neighbour = SpawnArmed();
  ASSERT_NE(neighbour, nullptr);
  std::string process = std::to_string(worker->process().child().pid());
  std::string other = std::to_string(neighbour->process().child().pid());
  for (const char* kind : {"pid", "mnt", "ipc", "uts", "net", "time"})
    EXPECT_NE(NamespaceOf(process, kind), NamespaceOf("self", kind)) << kind;
  for (const char* kind : {"pid", "mnt", "ipc", "uts"})
    EXPECT_NE(NamespaceOf(process, kind), NamespaceOf(other, kind)) << kind;
  worker->Ask("facts");
  EXPECT_NE(worker->Receive().finished().body().find("pid=1 "), std::string::npos);
}

TEST_F(SealedTest, ItsClocksSayNothingOfTheHost) {
  auto worker = SpawnArmed();
  ASSERT_NE(worker, nullptr);
  timespec host{};
  ASSERT_EQ(clock_gettime(CLOCK_BOOTTIME, &host), 0);
  std::istringstream offsets(Read(*worker, "timens_offsets"));
  std::map<std::string, long long> seconds;
  std::string name;
  for (long long back, nanos; offsets >> name >> back >> nanos;) seconds[name] = back;
  EXPECT_LT(seconds["monotonic"], 0);
  // They started with this test's zygote.
  EXPECT_LT(host.tv_sec + seconds["boottime"], 60);
}

TEST_F(SealedTest, ItHoldsItsSocketAlone) {
  auto worker = SpawnArmed();
  ASSERT_NE(worker, nullptr);
  worker->Ask("facts");
  EXPECT_NE(worker->Receive().finished().body().find("fds=3,"), std::string::npos);
  std::set<std::string> open;
  for (const auto& entry : std::filesystem::directory_iterator(Proc(*worker, "fd")))
    open.insert(entry.path().filename());
  // The ring stays mapped after its descriptor is closed.
  EXPECT_EQ(open, std::set<std::string>{"3"});
}

TEST_F(SealedTest, ItsRootAndNetworkAreEmpty) {
  auto worker = SpawnArmed();
  ASSERT_NE(worker, nullptr);
  EXPECT_TRUE(std::filesystem::is_empty(Proc(*worker, "root/")));
  std::string mounts = Read(*worker, "mountinfo");
  EXPECT_EQ(std::count(mounts.begin(), mounts.end(), '\n'), 1) << mounts;
  EXPECT_NE(mounts.find(" / / ro,nosuid,nodev,noexec"), std::string::npos) << mounts;
  // Two lines of heading, and loopback, which is down and has no address or route.
  std::string devices = Read(*worker, "net/dev");
  EXPECT_EQ(std::count(devices.begin(), devices.end(), '\n'), 3) << devices;
  std::string routes = Read(*worker, "net/route");
  EXPECT_LE(std::count(routes.begin(), routes.end(), '\n'), 1) << routes;  // at most a heading
  EXPECT_EQ(Read(*worker, "net/if_inet6"), "");
}

TEST_F(SealedTest, ItsLimitsAreTheKernelsToo) {
  auto worker = SpawnArmed({}, 17);
  ASSERT_NE(worker, nullptr);
  std::istringstream text(Read(*worker, "limits"));
  std::map<std::string, std::string> limits;
  for (std::string line; std::getline(text, line);) {
    std::istringstream values(line.substr(26));
    values >> limits[line.substr(0, line.find("  "))];
  }
  EXPECT_EQ(limits["Max cpu time"], "17");
  EXPECT_EQ(limits["Max core file size"], "0");
  EXPECT_EQ(limits["Max processes"], "0");
  EXPECT_EQ(limits["Max locked memory"], "0");
  EXPECT_EQ(limits["Max msgqueue size"], "0");
  EXPECT_EQ(limits["Max open files"], std::to_string(bounds::kWorkerFds));
  EXPECT_EQ(limits["Max file size"], std::to_string(bounds::kWorkerFileBytes));
}

TEST_F(SealedTest, NothingOfTheServicesStartIsLeftInIt) {
  auto worker = SpawnArmed();
  ASSERT_NE(worker, nullptr);
  worker->Ask("facts");
  EXPECT_NE(worker->Receive().finished().body().find("environment=0"), std::string::npos);
  // Its own session, and so no terminal.
  std::string stat = Read(*worker, "stat");
  std::istringstream fields(stat.substr(stat.rfind(')') + 2));
  std::string state, parent, group, session, terminal;
  fields >> state >> parent >> group >> session >> terminal;
  EXPECT_EQ(session, std::to_string(worker->process().child().pid()));
  EXPECT_EQ(terminal, "0");
}

// Whoever starts the service may ignore signals, the C library's own 32 and 33 too, which its
// sigaction(3) refuses to set.
class IgnoredSignals {
 public:
  IgnoredSignals() {
    struct {
      void (*handler)(int) = SIG_IGN;
      unsigned long flags = 0;
      void (*restorer)() = nullptr;
      uint64_t mask = 0;
    } ignored;
    for (int number : {SIGHUP, SIGINT, 32, 33})
      EXPECT_EQ(syscall(SYS_rt_sigaction, number, &ignored, &before_[number], sizeof(uint64_t)), 0);
  }
  ~IgnoredSignals() {
    for (auto& [number, action] : before_)
      syscall(SYS_rt_sigaction, number, &action, nullptr, sizeof(uint64_t));
  }
  IgnoredSignals(const IgnoredSignals&) = delete;
  IgnoredSignals& operator=(const IgnoredSignals&) = delete;

 private:
  std::map<int, std::array<uint64_t, 4>> before_;
};

TEST_F(SealedTest, SignalsIgnoredByWhoeverStartedItAreNotIgnoredInIt) {
  StopZygote();
  {
    IgnoredSignals ignored;
    StartZygote();
  }
  auto worker = SpawnArmed();
  ASSERT_NE(worker, nullptr);
  EXPECT_EQ(ReadStatus(*worker)["SigIgn"], "0000000000000000");
}

TEST_F(SealedTest, ItsStackGuardIsItsOwn) {
#if !defined(__x86_64__)
  GTEST_SKIP() << "the guard is renewed on x86-64 only";
#endif
  std::set<std::string> guards;
  for (int i = 0; i < 3; ++i) {
    auto worker = SpawnArmed();
    ASSERT_NE(worker, nullptr);
    worker->Ask("facts");
    std::string facts = worker->Receive().finished().body();
    size_t at = facts.find("guard=");
    guards.insert(facts.substr(at, facts.find(' ', at) - at));
  }
  EXPECT_EQ(guards.size(), 3u);
}

}  // namespace
}  // namespace nightjar::testing
