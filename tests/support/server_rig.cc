#include "tests/support/server_rig.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <string_view>
#include <thread>

#include "ipc/core/check.h"
#include "ipc/core/fd.h"
#include "ipc/ledger/run_ledger.h"

namespace nightjar::e2e {
namespace {

namespace fs = std::filesystem;
using std::chrono::steady_clock;

std::string ReadAll(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream content;
  content << in.rdbuf();
  return content.str();
}

pid_t Start(const std::vector<std::string>& words, const std::string& in, const std::string& out,
            const std::string& err, const std::function<void()>& before_exec = {}) {
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  pid_t pid = fork();
  CHECK(pid >= 0);
  if (pid > 0) return pid;
  constexpr int kMode = O_WRONLY | O_CREAT | O_APPEND;
  dup2(open(in.c_str(), O_RDONLY), 0);
  dup2(open(out.c_str(), kMode, 0600), 1);
  dup2(open(err.c_str(), kMode, 0600), 2);
  if (before_exec) before_exec();
  execv(arguments[0], arguments.data());
  _exit(127);
}

std::string MakeFolder() {
  // Not below a home directory: the supervisor gives up root and must still get in.
  char path[] = "/var/tmp/nightjar-e2e-XXXXXX";
  CHECK(mkdtemp(path) != nullptr);
  CHECK(chmod(path, 0755) == 0);
  return path;
}

int ExitCode(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

Output RunProgram(const std::vector<std::string>& words, const std::string& input,
                  const std::function<void()>& before_exec) {
  std::string folder = MakeFolder();
  std::ofstream(folder + "/in", std::ios::binary) << input;
  int status = 0;
  pid_t pid = Start(words, folder + "/in", folder + "/out", folder + "/err", before_exec);
  CHECK(waitpid(pid, &status, 0) == pid);
  Output output{ExitCode(status), ReadAll(folder + "/out"), ReadAll(folder + "/err")};
  fs::remove_all(folder);
  return output;
}

std::string Answer::trace() const {
  auto at = headers.find("x-nightjar-trace");
  return at == headers.end() ? "" : at->second;
}

bool Eventually(const std::function<bool()>& fact) {
  auto deadline = steady_clock::now() + std::chrono::seconds(10);
  while (!fact()) {
    if (steady_clock::now() > deadline) return fact();
    poll(nullptr, 0, 10);
  }
  return true;
}

namespace {

// What no control group of an unprivileged user's bounds.
void GoWithout(std::vector<std::string>& command) {
  if (TestedStart() != StartMode::kUnprivileged) return;
  for (const char* name : {"memory", "pids", "cpu"})
    command.insert(command.end(), {"--without", name});
}

std::string NextName() {
  static std::atomic<int> count{0};
  return "nightjar-test-" + std::to_string(getpid()) + "-" + std::to_string(++count);
}

}  // namespace

Server::Server(ServerOptions options)
    : folder_(MakeFolder()), state_(folder_ + "/state"), start_(folder_, NextName() + "-user") {
  std::string top = NextName();
  group_ = start_.prefix() + top;
  if (!options.disk.empty()) {
    fs::create_directory(state_);
    own_disk_ = mount("nightjar-test", state_.c_str(), "tmpfs", MS_NOSUID | MS_NODEV,
                      ("mode=0755,size=" + options.disk).c_str()) == 0;
    CHECK(TestedStart() == StartMode::kRoot ||
          chown(state_.c_str(), kOrdinaryUser, kOrdinaryUser) == 0);
  }
  std::string programs = Programs();
  if (!options.worker.empty()) {
    // Programs find each other beside themselves.
    programs = folder_ + "/bin";
    fs::create_directory(programs);
    for (const char* name : {"nightjar", "nightjard", "nightjar-writer"})
      fs::copy(Programs() + "/" + name, programs + "/" + name);
    fs::copy(options.worker, programs + "/nightjar-worker");
  }
  command_ = {programs + "/nightjar", "serve", "--state", state_, "--cgroup", top};
  std::string listen = options.listen.value_or("127.0.0.1:" + std::to_string(options.port));
  if (!listen.empty()) command_.insert(command_.end(), {"--listen", listen});
  if (!options.policy.empty()) {
    std::ofstream(folder_ + "/policy.toml") << options.policy;
    command_.insert(command_.end(), {"--policy", folder_ + "/policy.toml"});
  }
  GoWithout(command_);
  command_.insert(command_.end(), options.more.begin(), options.more.end());
  before_exec_ = std::move(options.before_exec);
  Launch();
  WaitReady();
}

Server::~Server() {
  if (running()) Stop();
  // One that was killed leaves it to the next.
  if (auto ledger = RunLedger::PathFor(state_)) unlink(ledger->c_str());
  if (own_disk_) umount(state_.c_str());
  fs::remove_all(folder_);
  // The owner of the top group's name removes it; the supervisor has no right to.
  Eventually([this] {
    bool left = false;
    for (const auto& root : fs::directory_iterator("/sys/fs/cgroup"))
      for (const std::string& leaf : {group_ + "/helpers", group_}) {
        std::string path = root.path().string() + "/" + leaf;
        if (rmdir(path.c_str()) != 0 && errno == EBUSY) left = true;
      }
    return !left;
  });
}

void Server::Launch() {
  std::error_code none;
  auto size = fs::file_size(log_path(), none);
  log_before_ = none ? 0 : size;
  pid_ = Start(command_, "/dev/null", folder_ + "/log", folder_ + "/log", [this] {
    if (before_exec_) before_exec_();
    start_.Become();
  });
}

void Server::Restart() {
  Launch();
  WaitReady();
}

std::string Server::log() const {
  return ReadAll(folder_ + "/log");
}

bool Server::running() {
  if (pid_ < 0) return false;
  if (waitpid(pid_, nullptr, WNOHANG) == 0) return true;
  pid_ = -1;
  return false;
}

bool Server::WaitReady() {
  static const std::regex kReady("event=ready listen=127\\.0\\.0\\.1:([0-9]+)");
  bool exited = false;
  Eventually([&] {
    std::string text = log().substr(log_before_);
    exited = !running();
    std::smatch ready;
    if (!std::regex_search(text, ready, kReady)) return exited;
    port_ = std::stoi(ready[1]);
    return true;
  });
  return !exited;
}

int Server::Stop() {
  if (pid_ < 0) return -1;
  kill(pid_, SIGTERM);
  return AwaitEnd();
}

int Server::AwaitEnd() {
  int status = 0;
  bool ended = false;
  for (int round = 0; round < 3 && !ended; ++round)
    ended = Eventually([&] { return waitpid(pid_, &status, WNOHANG) == pid_; });
  if (!ended) {
    kill(pid_, SIGKILL);
    waitpid(pid_, &status, 0);
  }
  pid_ = -1;
  return ended ? ExitCode(status) : -1;
}

void Server::Kill(int signal) {
  kill(pid_, signal);
  if (signal == SIGKILL) {
    waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }
}

namespace {

// All of `request` out, and everything that comes back.
std::string Exchange(const Fd& socket, std::string_view request) {
  while (!request.empty()) {
    ssize_t put = send(socket.get(), request.data(), request.size(), MSG_NOSIGNAL);
    if (put <= 0) break;
    request.remove_prefix(static_cast<size_t>(put));
  }
  std::string received;
  char chunk[65536];
  for (ssize_t got; (got = recv(socket.get(), chunk, sizeof chunk, 0)) > 0;)
    received.append(chunk, static_cast<size_t>(got));
  return received;
}

// nullopt: nobody listens there.
std::optional<std::string> RawAt(int port, const std::string& request) {
  Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(static_cast<uint16_t>(port));
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(socket.get(), reinterpret_cast<sockaddr*>(&name), sizeof name) != 0) return {};
  return Exchange(socket, request);
}

std::string GetRequest(const std::string& host, const std::string& target) {
  return "GET " + target + " HTTP/1.1\r\nHost: " + host + ".localhost\r\nConnection: close\r\n\r\n";
}

Answer ParseAnswer(const std::string& text) {
  Answer answer;
  size_t end = text.find("\r\n\r\n");
  if (end == std::string::npos) return answer;
  std::istringstream head(text.substr(0, end));
  std::string line;
  std::getline(head, line);
  answer.status = std::stoi(line.substr(9, 3));
  while (std::getline(head, line)) {
    size_t colon = line.find(": ");
    if (colon == std::string::npos) continue;
    std::string name = line.substr(0, colon);
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return tolower(c); });
    answer.headers[name] = line.substr(colon + 2, line.find('\r') - colon - 2);
  }
  answer.body = text.substr(end + 4);
  return answer;
}

}  // namespace

std::string Server::Raw(const std::string& request) {
  return RawAt(port_, request).value_or("");
}

std::optional<Answer> GetAt(int port, const std::string& canvas, const std::string& target) {
  auto received = RawAt(port, GetRequest(canvas, target));
  if (!received) return std::nullopt;
  return ParseAnswer(*received);
}

Answer Server::Control(const std::string& method, const std::string& target,
                       const std::string& headers) {
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  std::string path = state_ + "/control.sock";
  CHECK(path.size() < sizeof name.sun_path);
  path.copy(name.sun_path, path.size());
  {
    AsStarter asking;
    if (connect(socket.get(), reinterpret_cast<sockaddr*>(&name), sizeof name) != 0) return {};
  }
  return ParseAnswer(Exchange(socket, method + " " + target +
                                          " HTTP/1.1\r\nHost: nightjar\r\nConnection: "
                                          "close\r\n" +
                                          headers + "\r\n"));
}

Answer Server::Get(const std::string& host, const std::string& target) {
  return ParseAnswer(Raw(GetRequest(host, target)));
}

Answer Server::Post(const std::string& host, const std::string& target, const std::string& body) {
  return ParseAnswer(
      Raw("POST " + target + " HTTP/1.1\r\nHost: " + host +
          ".localhost\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: " +
          std::to_string(body.size()) + "\r\n\r\n" + body));
}

Output Server::Cli(std::vector<std::string> words, const std::string& input) {
  words.insert(words.begin(), Programs() + "/nightjar");
  words.insert(words.end(), {"--state", state_});
  return RunProgram(words, input, BecomeStarter);
}

Output Server::RunBeside(std::vector<std::string> words) {
  words.insert(words.begin(), Programs() + "/nightjar");
  GoWithout(words);
  return RunProgram(words, "", [this] { start_.Become(); });
}

std::string Server::Json(std::vector<std::string> words) {
  words.push_back("--json");
  Output output = Cli(std::move(words));
  return output.exit_code == 0 ? output.out : "failed: " + output.err;
}

Output Server::Deploy(const std::string& canvas, const std::string& source) {
  std::string path = folder_ + "/" + canvas + ".dark";
  std::ofstream(path, std::ios::binary) << source;
  return Cli({"deploy", canvas, path});
}

void Server::DeployExample(const std::string& name, const std::string& canvas) {
  Output output =
      Deploy(canvas.empty() ? name : canvas, ReadAll(NIGHTJAR_EXAMPLES "/" + name + ".dark"));
  CHECK(output.exit_code == 0);
}

namespace {

// "12 (name) S 1": dead, and not waited for yet.
bool IsZombie(const fs::path& process) {
  std::string stat = ReadAll(process / "stat");
  return stat.find(") Z ") != std::string::npos;
}

// Processes of the workers' users, where no control group lists them.
std::set<pid_t> ProcessesOfWorkers() {
  std::set<pid_t> found;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    struct stat info {};
    if (stat(entry.path().c_str(), &info) != 0) continue;  // it is gone
    pid_t pid = atoi(entry.path().filename().c_str());
    if (pid > 0 && IsWorkersUser(info.st_uid) && !IsZombie(entry.path())) found.insert(pid);
  }
  return found;
}

// All that is below `top`. Cells come and go meanwhile: a walk that loses its way is begun again.
std::vector<fs::directory_entry> Below(const fs::path& top) {
  while (fs::exists(top)) {
    std::vector<fs::directory_entry> found;
    std::error_code lost;
    for (fs::recursive_directory_iterator at(top, lost), end; !lost && at != end;
         at.increment(lost))
      found.push_back(*at);
    if (!lost) return found;
  }
  return {};
}

}  // namespace

std::vector<pid_t> Server::Workers() const {
  std::set<pid_t> found;
  std::string top;
  for (const char* tree : {"/sys/fs/cgroup/unified/", "/sys/fs/cgroup/pids/", "/sys/fs/cgroup/"})
    if (top.empty() && fs::exists(tree + group_)) top = tree + group_;
  if (TestedStart() == StartMode::kUnprivileged) found = ProcessesOfWorkers();
  for (const auto& entry : Below(top)) {
    if (entry.path().filename() != "cgroup.procs") continue;
    if (entry.path().string().find("/canvas-") == std::string::npos) continue;
    std::istringstream pids(ReadAll(entry.path()));
    for (pid_t pid; pids >> pid;) found.insert(pid);
  }
  return {found.begin(), found.end()};
}

size_t Server::Cells() const {
  size_t most = 0;
  for (const auto& root : fs::directory_iterator("/sys/fs/cgroup")) {
    size_t cells = 0;
    std::error_code gone;
    for (const auto& entry : Below(root.path() / group_))
      if (entry.is_directory(gone) && entry.path().string().find("/canvas-") != std::string::npos)
        ++cells;
    most = std::max(most, cells);
  }
  return most;
}

pid_t Server::HelperPid(const std::string& name) const {
  std::string text = log();
  std::regex line("event=helper_started helper=" + name + " pid=([0-9]+)");
  pid_t newest = 0;
  for (std::sregex_iterator at(text.begin(), text.end(), line), end; at != end; ++at)
    newest = std::stoi((*at)[1]);
  return newest;
}

}  // namespace nightjar::e2e
