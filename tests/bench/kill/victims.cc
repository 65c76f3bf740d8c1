#include "tests/bench/kill/victims.h"

#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <utility>

namespace nightjar::bench {
namespace {

constexpr std::array<std::pair<Victim, std::string_view>, 10> kNames{{
    {Victim::kSpin, "spin"},
    {Victim::kSleep, "sleep"},
    {Victim::kDirty64, "dirty64"},
    {Victim::kDirty500, "dirty500"},
    {Victim::kTree200Sleep, "tree200_sleep"},
    {Victim::kTree200Spin, "tree200_spin"},
    {Victim::kForkBomb, "fork_bomb"},
    {Victim::kThreads, "threads32"},
    {Victim::kOutOfMemory, "oom"},
    {Victim::kDaemon, "daemon"},
}};

}  // namespace

std::string_view NameOf(Victim victim) {
  for (const auto& [value, name] : kNames)
    if (value == victim) return name;
  return "";
}

std::string VictimProgram() {
  return std::filesystem::read_symlink("/proc/self/exe").replace_filename("bench-victim").string();
}

void Become(Victim victim, int ready_fd, int gate_fd, int touch_fd) {
  std::string words[] = {VictimProgram(), std::string(NameOf(victim)), std::to_string(ready_fd),
                         std::to_string(gate_fd), std::to_string(touch_fd)};
  for (int fd : {ready_fd, gate_fd, touch_fd})
    if (fd >= 0) fcntl(fd, F_SETFD, 0);
  char* arguments[] = {words[0].data(), words[1].data(), words[2].data(),
                       words[3].data(), words[4].data(), nullptr};
  char* nothing[] = {nullptr};
  execve(arguments[0], arguments, nothing);
  perror(arguments[0]);
  _exit(126);
}

}  // namespace nightjar::bench
