#include "tests/support/pg_server.h"

#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "ipc/core/check.h"
#include "tests/support/server_process.h"
#include "tests/support/server_rig.h"

namespace nightjar::e2e {
namespace {

namespace fs = std::filesystem;

constexpr const char* kServerUser = "postgres";

std::string BinDir() {
  std::error_code none;
  std::string newest;
  for (const auto& version : fs::directory_iterator("/usr/lib/postgresql", none))
    if (fs::exists(version.path() / "bin/postgres") && version.path().string() > newest)
      newest = version.path().string();
  return newest.empty() ? "" : newest + "/bin";
}

void BecomePostgres() {
  BecomeUser(kServerUser);
  if (chdir("/") != 0) _exit(126);
}

}  // namespace

bool PgServer::Installed() {
  return !BinDir().empty() && getpwnam(kServerUser) != nullptr;
}

std::unique_ptr<PgServer> PgServer::Start() {
  std::unique_ptr<PgServer> server(new PgServer);
  if (server->Make() && server->Run()) {
    server->Sql("postgres",
                std::string("CREATE ROLE ") + kUser + " LOGIN PASSWORD 'night ''jar\\ pass'");
    return server;
  }
  fprintf(stderr, "postgresql: it did not start:\n%s\n",
          RunProgram({"/bin/sh", "-c", "tail -n 15 " + server->folder_ + "/log"}).out.c_str());
  return nullptr;
}

PgServer::~PgServer() {
  Kill();
  fs::remove_all(folder_);
}

bool PgServer::Make() {
  char folder[] = "/var/tmp/nightjar-pg-XXXXXX";
  CHECK(mkdtemp(folder) != nullptr);
  folder_ = folder;
  const passwd* user = getpwnam(kServerUser);
  CHECK(chown(folder_.c_str(), user->pw_uid, user->pw_gid) == 0);
  CHECK(chmod(folder_.c_str(), 0755) == 0);
  Output made =
      RunProgram({BinDir() + "/initdb", "-D", folder_ + "/data", "-N", "-U", "postgres",
                  "--auth-local=trust", "--auth-host=scram-sha-256", "-E", "UTF8", "--locale=C"},
                 "", BecomePostgres);
  if (made.exit_code != 0) fprintf(stderr, "initdb: %s\n", made.err.c_str());
  port_ = FreePort();
  return made.exit_code == 0;
}

// Nothing of it is to be kept: it syncs nothing.
bool PgServer::Run() {
  const std::string program = BinDir() + "/postgres";
  std::vector<std::string> words{program, "-D", folder_ + "/data",    "-k",
                                 folder_, "-p", std::to_string(port_)};
  for (const char* setting :
       {"listen_addresses=127.0.0.1", "fsync=off", "full_page_writes=off", "shared_buffers=64MB",
        "max_connections=40", "autovacuum=off", "logging_collector=off"}) {
    words.emplace_back("-c");
    words.emplace_back(setting);
  }
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  pid_ = fork();
  CHECK(pid_ >= 0);
  if (pid_ == 0) {
    // A group of its own, so that all of it can be held and killed at once.
    setpgid(0, 0);
    int log = open((folder_ + "/log").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0666);
    dup2(open("/dev/null", O_RDONLY), 0);
    dup2(log, 1);
    dup2(log, 2);
    BecomePostgres();
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execv(arguments[0], arguments.data());
    _exit(127);
  }
  auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (RunProgram({BinDir() + "/pg_isready", "-q", "-h", folder_, "-p", std::to_string(port_)})
             .exit_code != 0) {
    if (waitpid(pid_, nullptr, WNOHANG) == pid_) pid_ = -1;
    if (pid_ < 0 || std::chrono::steady_clock::now() > deadline) return false;
    poll(nullptr, 0, 50);
  }
  return true;
}

// Each of its processes leads a group of its own, so one by one.
void PgServer::Signal(int signal) {
  std::error_code gone;
  std::ifstream children("/proc/" + std::to_string(pid_) + "/task/" + std::to_string(pid_) +
                         "/children");
  std::vector<pid_t> pids{pid_};
  for (pid_t child; children >> child;) pids.push_back(child);
  for (pid_t pid : pids) kill(pid, signal);
}

void PgServer::Stop() {
  if (pid_ < 0) return;
  kill(pid_, SIGINT);  // "fast": connections are ended
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void PgServer::Kill() {
  if (pid_ < 0) return;
  Signal(SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void PgServer::Freeze() {
  Signal(SIGSTOP);
}

void PgServer::Thaw() {
  Signal(SIGCONT);
}

bool PgServer::Restart() {
  return Run();
}

std::string PgServer::MakeDatabase() {
  std::string name = "test_" + std::to_string(++databases_);
  Sql("postgres", "CREATE DATABASE " + name + " OWNER " + kUser);
  return name;
}

std::string PgServer::Sql(const std::string& database, const std::string& sql) {
  Output answer = RunProgram({BinDir() + "/psql", "-h", folder_, "-p", std::to_string(port_), "-U",
                              "postgres", "-d", database, "-Atqc", sql});
  if (answer.exit_code != 0) fprintf(stderr, "psql: %s\n", answer.err.c_str());
  while (answer.out.ends_with('\n')) answer.out.pop_back();
  return answer.out;
}

}  // namespace nightjar::e2e
