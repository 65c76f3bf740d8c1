#include "tests/support/start_mode.h"

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string_view>
#include <vector>

#include "ipc/core/check.h"
#include "ipc/core/fd.h"

namespace nightjar::e2e {
namespace {

namespace fs = std::filesystem;

constexpr uid_t kFirstId = 2'120'950'000;  // no account has them
constexpr uid_t kWorkersFrom = 16;         // supervisor/app/identity.h
constexpr uid_t kIds = 65'536;
constexpr const char* kNames[] = {"unified", "memory", "pids", "cpu", "cpuacct", "freezer"};

// The group in each hierarchy that a supervisor uses; in a pure v2 tree there is one.
std::vector<std::string> GroupsOf(const std::string& group) {
  std::vector<std::string> groups;
  for (const char* name : kNames) {
    std::string root = std::string("/sys/fs/cgroup/") + name;
    if (fs::exists(root + "/cgroup.procs")) groups.push_back(root + "/" + group);
  }
  if (groups.empty()) groups.push_back("/sys/fs/cgroup/" + group);
  return groups;
}

// As a service manager delegates: the directory, and the files that move processes and controllers.
void Delegate(const std::string& group) {
  CHECK(mkdir(group.c_str(), 0755) == 0);
  CHECK(chown(group.c_str(), kOrdinaryUser, kOrdinaryUser) == 0);
  for (const char* file : {"cgroup.procs", "cgroup.threads", "cgroup.subtree_control"}) {
    std::string path = group + "/" + file;
    if (fs::exists(path)) CHECK(chown(path.c_str(), kOrdinaryUser, kOrdinaryUser) == 0);
  }
}

// A group that hands controllers down may hold no process; the supervisor made this leaf of it.
void Enter(const std::string& group) {
  std::string leaf = group + "/supervisor";
  Status entered =
      WriteFileAt(AT_FDCWD, ((fs::exists(leaf) ? leaf : group) + "/cgroup.procs").c_str(), "0");
  CHECK(entered.has_value());
}

std::string MakePrograms() {
  if (TestedStart() == StartMode::kRoot) return NIGHTJAR_BIN;
  char path[] = "/var/tmp/nightjar-programs-XXXXXX";
  CHECK(mkdtemp(path) != nullptr);
  CHECK(chmod(path, 0755) == 0);
  for (const char* name : {"nightjar", "nightjard", "nightjar-worker", "nightjar-writer"})
    fs::copy(std::string(NIGHTJAR_BIN "/") + name, std::string(path) + "/" + name);
  return path;
}

}  // namespace

StartMode TestedStart() {
  const char* asked = getenv("NIGHTJAR_TEST_START");
  std::string_view mode = asked != nullptr ? asked : "root";
  if (mode == "delegated") return StartMode::kDelegated;
  if (mode == "unprivileged") return StartMode::kUnprivileged;
  CHECK(mode == "root");
  return StartMode::kRoot;
}

bool IsWorkersUser(uid_t uid) {
  return uid >= kFirstId + kWorkersFrom && uid < kFirstId + kIds;
}

const std::string& Programs() {
  struct Folder {
    const std::string path = MakePrograms();
    ~Folder() {
      if (path != NIGHTJAR_BIN) fs::remove_all(path);
    }
  };
  static const Folder folder;
  return folder.path;
}

OrdinaryStart::OrdinaryStart(const std::string& folder, std::string group)
    : ids_(folder + "/ids"), group_(std::move(group)) {
  if (TestedStart() == StartMode::kRoot) return;
  std::ofstream(ids_) << "nobody:" << kFirstId << ":" << kIds << "\n";
  CHECK(chown(folder.c_str(), kOrdinaryUser, kOrdinaryUser) == 0);
  if (TestedStart() == StartMode::kDelegated)
    for (const std::string& path : GroupsOf(group_)) Delegate(path);
}

OrdinaryStart::~OrdinaryStart() {
  if (TestedStart() != StartMode::kDelegated) return;
  for (const std::string& path : GroupsOf(group_)) {
    rmdir((path + "/supervisor").c_str());
    CHECK(rmdir(path.c_str()) == 0);
  }
}

std::string OrdinaryStart::prefix() const {
  return TestedStart() == StartMode::kDelegated ? group_ + "/" : "";
}

void OrdinaryStart::Become() const {
  if (TestedStart() == StartMode::kRoot) return;
  if (TestedStart() == StartMode::kDelegated)
    for (const std::string& path : GroupsOf(group_)) Enter(path);
  CHECK(unshare(CLONE_NEWNS) == 0);
  CHECK(mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0);
  for (const char* file : {"/etc/subuid", "/etc/subgid"})
    CHECK(mount(ids_.c_str(), file, nullptr, MS_BIND, nullptr) == 0);
  BecomeStarter();
}

AsStarter::AsStarter() {
  if (TestedStart() != StartMode::kRoot) CHECK(syscall(SYS_setresuid, -1, kOrdinaryUser, -1) == 0);
}

AsStarter::~AsStarter() {
  if (TestedStart() != StartMode::kRoot) CHECK(syscall(SYS_setresuid, -1, 0, -1) == 0);
}

void BecomeStarter() {
  if (TestedStart() == StartMode::kRoot) return;
  CHECK(setgroups(0, nullptr) == 0);
  CHECK(setresgid(kOrdinaryUser, kOrdinaryUser, kOrdinaryUser) == 0);
  CHECK(setresuid(kOrdinaryUser, kOrdinaryUser, kOrdinaryUser) == 0);
}

}  // namespace nightjar::e2e
