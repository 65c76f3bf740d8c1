#include "tests/fault/blows.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "ipc/core/fd.h"
#include "ipc/core/pidfd.h"
#include "ipc/core/proc_stat.h"

namespace nightjar::fault {
namespace {

std::optional<ProcStat> StatOf(pid_t pid) {
  auto text = ReadFileAt(AT_FDCWD, ("/proc/" + std::to_string(pid) + "/stat").c_str());
  return text ? ParseProcStat(*text) : std::nullopt;
}

// The supervisor is the parent of all but the nest, whose parent is the launcher.
bool IsBelow(pid_t pid, pid_t top) {
  for (int levels = 0; levels < 3 && pid > 1; ++levels) {
    if (pid == top) return true;
    auto stat = StatOf(pid);
    if (!stat) return false;
    pid = stat->parent;
  }
  return pid == top;
}

std::vector<pid_t> ChildrenNamed(pid_t parent, const std::string& name) {
  std::vector<pid_t> found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    pid_t pid = atoi(entry.path().filename().c_str());
    auto stat = pid > 0 ? StatOf(pid) : std::nullopt;
    if (stat && stat->parent == parent && stat->name == name) found.push_back(pid);
  }
  return found;
}

}  // namespace

const char* NameOf(Target target) {
  switch (target) {
    case Target::kSupervisor:
      return "supervisor";
    case Target::kWriter:
      return "writer";
    case Target::kZygote:
      return "zygote";
    case Target::kExecZygote:
      return "exec zygote";
    case Target::kLauncher:
      return "launcher";
    case Target::kNest:
      return "nest";
    case Target::kWorker:
      return "worker";
  }
  return "";
}

std::vector<pid_t> Blows::Find(Target target, std::mt19937_64& random) {
  switch (target) {
    case Target::kSupervisor:
      return {server_.pid()};
    case Target::kWriter:
      return {log_.Helper("writer")};
    case Target::kZygote:
      return {log_.Helper("zygote")};
    case Target::kExecZygote:
      return {log_.Helper("exec-zygote")};
    case Target::kLauncher:
      return ChildrenNamed(server_.pid(), "nightjard");
    case Target::kNest: {
      std::vector<pid_t> nests;
      for (pid_t launcher : ChildrenNamed(server_.pid(), "nightjard"))
        for (pid_t nest : ChildrenNamed(launcher, "nightjar-nest")) nests.push_back(nest);
      return nests;
    }
    case Target::kWorker: {
      std::vector<pid_t> workers = server_.Workers();
      std::shuffle(workers.begin(), workers.end(), random);
      return workers;
    }
  }
  return {};
}

bool Blows::Signal(Target target, int signal, std::mt19937_64& random) {
  if (server_.pid() <= 0) return false;
  for (pid_t pid : Find(target, random)) {
    if (pid <= 0) continue;
    Fd pidfd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
    if (!pidfd.valid() || !IsBelow(pid, server_.pid())) continue;
    if (syscall(SYS_pidfd_send_signal, pidfd.get(), signal, nullptr, 0) == 0) return true;
  }
  return false;
}

void Blows::FillDisk() {
  Fd filler(open((server_.state() + "/filler").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  struct statvfs disk {};
  if (!filler.valid() || fstatvfs(filler.get(), &disk) != 0) return;
  // What is written meanwhile is in the way: as much as goes, in ever smaller pieces.
  off_t size = 0;
  for (auto piece = static_cast<off_t>(disk.f_bavail * disk.f_frsize); piece >= 4096; piece /= 2)
    while (fallocate(filler.get(), 0, size, piece) == 0) size += piece;
}

void Blows::FreeDisk() {
  std::error_code none;
  std::filesystem::remove(server_.state() + "/filler", none);
}

}  // namespace nightjar::fault
