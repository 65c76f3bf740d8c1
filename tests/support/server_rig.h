// A supervisor of a test's own: real programs, a state directory, a port and a control group that
// nobody else has. Ends everything it started and removes what it made.
#pragma once

#include <sys/types.h>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/start_mode.h"

namespace nightjar::e2e {

struct Output {
  int exit_code = -1;
  std::string out;
  std::string err;
};

// Runs a program to its end. `input` is its standard input; `before_exec` happens in its process.
Output RunProgram(const std::vector<std::string>& words, const std::string& input = "",
                  const std::function<void()>& before_exec = {});

struct Answer {
  int status = 0;                              // 0: no answer
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
  std::string trace() const;
};

// Asks again until `fact` holds, for at most ten seconds; what it was at the end.
bool Eventually(const std::function<bool()>& fact);

// GET of a canvas at a port of this host. nullopt: nobody listened there. Status 0: the connection
// ended without a whole answer. Any thread.
std::optional<Answer> GetAt(int port, const std::string& canvas, const std::string& target);

struct ServerOptions {
  std::string policy = {};                 // empty: the built-in one
  std::vector<std::string> more = {};      // further options of `nightjar serve`
  int port = 0;                            // 0: a free one
  std::optional<std::string> listen = {};  // instead of 127.0.0.1 and the port; empty: no --listen
  // In the new process, before it becomes the supervisor: its environment and descriptors.
  std::function<void()> before_exec = {};
  std::string worker = {};  // another program as nightjar-worker; empty: the real one
  std::string disk = {};    // a disk of this size ("4m") for the state; empty: the folder's
};

class Server {
 public:
  explicit Server(ServerOptions options);
  explicit Server(const std::string& policy = "") : Server(ServerOptions{.policy = policy}) {}
  ~Server();

  // False when it exited first. Called by the constructor; again after Restart().
  bool WaitReady();
  // Starts the supervisor again on the same state after it was ended.
  void Restart();
  // The same, and does not wait for it to be ready.
  void Launch();
  // SIGTERM, and its exit code. -1: it had to be killed.
  int Stop();
  // The exit code of a supervisor that ends by itself. -1: it had to be killed.
  int AwaitEnd();
  void Kill(int signal);
  pid_t pid() const { return pid_; }
  bool running();

  Answer Get(const std::string& host, const std::string& target);
  Answer Post(const std::string& host, const std::string& target, const std::string& body);
  // The whole text of a request, as it is; everything that comes back until the server closes.
  std::string Raw(const std::string& request);
  // Asks the control plane itself, without a program between: for tests that ask often. No answer
  // at all is status 0. `headers`: whole lines.
  Answer Control(const std::string& method, const std::string& target,
                 const std::string& headers = "");
  // nightjar WORDS --state ...
  Output Cli(std::vector<std::string> words, const std::string& input = "");
  // The same with --json, which must succeed.
  std::string Json(std::vector<std::string> words);
  // nightjar WORDS that serve, started as this server was: by the same user, in the same group.
  Output RunBeside(std::vector<std::string> words);
  // Writes a canvas file and deploys it; the command's own output.
  Output Deploy(const std::string& canvas, const std::string& source);
  // As the canvas of its own name, or another.
  void DeployExample(const std::string& name, const std::string& canvas = "");

  const std::string& state() const { return state_; }
  std::string log() const;
  std::string log_path() const { return folder_ + "/log"; }
  // The name of its top control group, which is in every hierarchy.
  const std::string& group() const { return group_; }
  int port() const { return port_; }
  // Process ids in the server's cells.
  std::vector<pid_t> Workers() const;
  // Control groups of its canvases and their workers, in the hierarchy that has most of them.
  size_t Cells() const;
  // The id of a helper's newest incarnation ("writer", "zygote"), out of the log.
  pid_t HelperPid(const std::string& name) const;
  std::vector<std::string> command() const { return command_; }

 private:
  std::string folder_;
  std::string state_;
  OrdinaryStart start_;
  std::string group_;  // the top group's path in every hierarchy
  bool own_disk_ = false;
  std::vector<std::string> command_;
  std::function<void()> before_exec_;
  pid_t pid_ = -1;
  int port_ = 0;
  size_t log_before_ = 0;  // bytes of it when the supervisor was last started
};

}  // namespace nightjar::e2e
