#include "tests/bench/kill/peers.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <sstream>

#include "ipc/core/check.h"
#include "ipc/core/fd.h"

namespace nightjar::bench {
namespace {

// What dies on its own way out is given so long, after the peer's end.
constexpr Nanos kPatience = std::chrono::milliseconds(500);

std::vector<pid_t> OwnChildren() {
  std::ifstream file("/proc/self/task/" + std::to_string(getpid()) + "/children");
  std::vector<pid_t> pids;
  for (pid_t pid; file >> pid;) pids.push_back(pid);
  return pids;
}

// Orphans become this process's own children, so that none can be overlooked.
uint64_t KillTheRest() {
  uint64_t found = 0;
  for (;;) {
    std::vector<pid_t> left = OwnChildren();
    if (left.empty()) return found;
    found += left.size();
    for (pid_t pid : left) kill(pid, SIGKILL);
    for (pid_t pid : left) waitpid(pid, nullptr, 0);
  }
}

}  // namespace

void EndByTimeout(Victim victim, Nanos limit, PeerOutcome& outcome) {
  prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  int ready[2];
  CHECK(pipe2(ready, O_CLOEXEC) == 0);
  Fd from(ready[0]);
  Fd to(ready[1]);
  std::string seconds = std::to_string(std::chrono::duration<double>(limit).count());
  std::string name(NameOf(victim));
  // It says on its standard output when it is ready.
  std::string words[] = {"timeout", "-s", "KILL", seconds, VictimProgram(), name, "1", "-1", "-1"};
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, to.get(), STDOUT_FILENO);
  pid_t pid;
  MonoTime started = std::chrono::steady_clock::now();
  CHECK(posix_spawnp(&pid, "timeout", &actions, nullptr, arguments.data(), environ) == 0);
  posix_spawn_file_actions_destroy(&actions);
  to = Fd();
  char byte;
  if (read(from.get(), &byte, 1) == 1)
    outcome.start.push_back(std::chrono::steady_clock::now() - started);
  // `timeout` is in the group that it kills, and its victims become our children with its end.
  int status;
  CHECK(waitpid(pid, &status, 0) == pid);
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  MonoTime ended = std::chrono::steady_clock::now();
  MonoTime last = ended;
  while (!OwnChildren().empty() && last - ended < kPatience) {
    if (waitpid(-1, nullptr, WNOHANG) > 0) {
      last = std::chrono::steady_clock::now();
      continue;
    }
    poll(nullptr, 0, 1);
    if (std::chrono::steady_clock::now() - ended > kPatience) break;
  }
  uint64_t survivors = KillTheRest();
  outcome.survivors += survivors;
  if (survivors == 0) outcome.late.push_back(last - started - limit);
}

}  // namespace nightjar::bench
