#include "tests/fault/bystander.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "ipc/core/check.h"

namespace nightjar::fault {
namespace {

namespace fs = std::filesystem;

std::string ReadAll(const std::string& path) {
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

}  // namespace

Bystander::Bystander(const std::string& group) {
  pid_ = fork();
  CHECK(pid_ >= 0);
  if (pid_ == 0)
    for (;;) pause();
  std::vector<std::string> tops = {"/sys/fs/cgroup/" + group};
  for (const auto& root : fs::directory_iterator("/sys/fs/cgroup"))
    tops.push_back(root.path().string() + "/" + group);
  for (const std::string& top : tops) {
    std::string own = top + "-bystander";
    if (!fs::exists(top + "/cgroup.procs") || mkdir(own.c_str(), 0755) != 0) continue;
    groups_.push_back(own);
    std::ofstream(own + "/cgroup.procs") << pid_ << std::flush;
  }
}

Bystander::~Bystander() {
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  for (const std::string& group : groups_) rmdir(group.c_str());
}

std::string Bystander::trouble() const {
  int status = 0;
  if (waitpid(pid_, &status, WNOHANG) != 0) return "it ended, status " + std::to_string(status);
  if (groups_.empty()) return "it is in no group";
  for (const std::string& group : groups_)
    if (ReadAll(group + "/cgroup.procs") != std::to_string(pid_) + "\n")
      return "it is not in " + group + " any more";
  return "";
}

}  // namespace nightjar::fault
