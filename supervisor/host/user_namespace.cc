#include "supervisor/host/user_namespace.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <shadow/subid.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "ipc/core/fd.h"

namespace nightjar {
namespace {

constexpr const char* kMapUids = "newuidmap";
constexpr const char* kMapGids = "newgidmap";

constexpr size_t kComplaintBytes = 1024;

// The first of the user's ranges that is long enough.
Result<uint32_t> FindRange(int (*list)(const char*, subid_range**), const char* file,
                           const std::string& user, uint32_t count) {
  subid_range* ranges = nullptr;
  int found = list(user.c_str(), &ranges);
  std::unique_ptr<subid_range, decltype(&free)> owned(ranges, &free);
  for (const subid_range& range : std::span(ranges, static_cast<size_t>(std::max(found, 0))))
    if (range.count >= count && range.start <= UINT32_MAX - count)
      return static_cast<uint32_t>(range.start);
  return Fail(ErrorCode::kPermission,
              "user " + user + " has no range of " + std::to_string(count) + " ids in " + file +
                  ": as root, usermod --add-subuids 200000-265535 --add-subgids 200000-265535 " +
                  user + ", with a range that nobody else has");
}

// What newuidmap and newgidmap are told: {first inside, first outside, count}, twice.
std::vector<std::string> MapCommand(const char* program, pid_t process, uint32_t own,
                                    uint32_t range, uint32_t count) {
  return {program,
          std::to_string(process),
          "0",
          std::to_string(own),
          "1",
          "1",
          std::to_string(range),
          std::to_string(count)};
}

[[noreturn]] void Exec(const std::vector<std::string>& command) {
  std::vector<char*> words;
  for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  execvp(words[0], words.data());
  dprintf(STDERR_FILENO, "%s: %m (Debian's package uidmap has it)\n", words[0]);
  _exit(127);
}

bool Succeeds(const std::vector<std::string>& command) {
  pid_t child = fork();
  if (child == 0) Exec(command);
  int status = -1;
  while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return status == 0;
}

// The process that stays outside, where those two programs have their privilege: waits for the
// word that the namespace is there, and maps. What they complain goes to `complaints`.
[[noreturn]] void MapFromOutside(const std::array<std::vector<std::string>, 2>& commands,
                                 const Fd& made, const Fd& complaints) {
  dup2(complaints.get(), STDERR_FILENO);
  char word;
  bool mapped = read(made.get(), &word, 1) == 1;
  for (const auto& command : commands) mapped = mapped && Succeeds(command);
  _exit(mapped ? 0 : 1);
}

std::string ReadToEnd(const Fd& from) {
  std::string text(kComplaintBytes, '\0');
  size_t length = 0;
  for (ssize_t got; length < text.size() &&
                    (got = read(from.get(), text.data() + length, text.size() - length)) > 0;)
    length += static_cast<size_t>(got);
  text.resize(length);
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

Status MakeNamespace(const std::array<std::vector<std::string>, 2>& commands) {
  NJ_ASSIGN(Pipe made, MakePipe());
  NJ_ASSIGN(Pipe complaints, MakePipe());
  pid_t mapper = fork();
  if (mapper < 0) return FailErrno("starting what maps the user ids");
  if (mapper == 0) {
    made.write.Close();
    MapFromOutside(commands, made.read, complaints.write);
  }
  complaints.write.Close();
  int refused = unshare(CLONE_NEWUSER) == 0 ? 0 : errno;
  if (refused == 0) (void)!write(made.write.get(), "+", 1);
  made.write.Close();
  std::string said = ReadToEnd(complaints.read);
  int status = -1;
  while (waitpid(mapper, &status, 0) < 0 && errno == EINTR) {
  }
  if (refused != 0)
    return FailErrno(
        "this host gives ordinary users no user namespaces (sysctl user.max_user_namespaces, "
        "kernel.unprivileged_userns_clone, or AppArmor)",
        refused);
  if (status != 0) return Fail(ErrorCode::kPermission, "user ids were not mapped: " + said);
  return {};
}

}  // namespace

Status EnterUserNamespace(uint32_t ids) {
  if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
    return Fail(ErrorCode::kPermission,
                "newuidmap gets no privilege here: start without NoNewPrivileges=");
  uid_t uid = geteuid();
  gid_t gid = getegid();
  const passwd* account = getpwuid(uid);
  if (account == nullptr)
    return Fail(ErrorCode::kPermission, "uid " + std::to_string(uid) + " is no user of this host");
  std::string user = account->pw_name;
  subid_init("nightjard", nullptr);
  NJ_ASSIGN(uint32_t uids, FindRange(subid_get_uid_ranges, "/etc/subuid", user, ids - 1));
  NJ_ASSIGN(uint32_t gids, FindRange(subid_get_gid_ranges, "/etc/subgid", user, ids - 1));
  NJ_TRY(MakeNamespace({MapCommand(kMapUids, getpid(), uid, uids, ids - 1),
                        MapCommand(kMapGids, getpid(), gid, gids, ids - 1)}));
  if (setgroups(0, nullptr) != 0) return FailErrno("dropping supplementary groups");
  if (setresgid(0, 0, 0) != 0 || setresuid(0, 0, 0) != 0)
    return FailErrno("becoming root of the user namespace");
  return {};
}

}  // namespace nightjar
