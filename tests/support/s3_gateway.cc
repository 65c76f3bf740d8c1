#include "tests/support/s3_gateway.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>

#include "ipc/core/check.h"
#include "ipc/core/fd.h"
#include "tests/support/server_process.h"
#include "tests/support/server_rig.h"

namespace nightjar::e2e {
namespace {

namespace fs = std::filesystem;

constexpr const char* kUser = "ceph";

// Asks again until it is so, for at most a minute and while `process` lives, which must not be
// waited for by anybody else.
bool WhileItLives(pid_t& process, const std::function<bool()>& fact) {
  auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!fact()) {
    if (waitpid(process, nullptr, WNOHANG) == process) process = -1;
    if (process < 0 || std::chrono::steady_clock::now() > deadline) return false;
    poll(nullptr, 0, 50);
  }
  return true;
}

sockaddr_in Loopback(uint16_t port) {
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(port);
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return name;
}

bool Listens(uint16_t port) {
  Fd probe(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in name = Loopback(port);
  return connect(probe.get(), reinterpret_cast<sockaddr*>(&name), sizeof name) == 0;
}

// In a new process, as root: that user for good, and no longer than this test.
void BecomeCeph() {
  BecomeUser(kUser);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
}

// To its end, as that user.
bool Works(const std::vector<std::string>& words) {
  Output output = RunProgram(words, "", BecomeCeph);
  if (output.exit_code != 0) fprintf(stderr, "s3: %s: %s\n", words[0].c_str(), output.err.c_str());
  return output.exit_code == 0;
}

std::string FirstWord(const std::string& path) {
  std::string word;
  std::ifstream(path) >> word;
  return word;
}

void End(pid_t& pid, int signal) {
  if (pid < 0) return;
  kill(pid, SIGCONT);
  kill(pid, signal);
  waitpid(pid, nullptr, 0);
  pid = -1;
}

}  // namespace

bool S3Gateway::Installed() {
  for (const char* program : {"radosgw", "radosgw-admin", "ceph-mon", "ceph-osd", "ceph"})
    if (access((std::string("/usr/bin/") + program).c_str(), X_OK) != 0) return false;
  return true;
}

std::unique_ptr<S3Gateway> S3Gateway::Start() {
  std::unique_ptr<S3Gateway> gateway(new S3Gateway);
  if (gateway->StartAll()) return gateway;
  const std::string tails =
      "tail -n 15 " + gateway->folder_ + "/run/output " + gateway->folder_ + "/run/*.log";
  fprintf(stderr, "s3: its monitor is %d, its disk %d, its gateway %d; what they said:\n%s\n",
          gateway->monitor_, gateway->disk_, gateway->gateway_,
          RunProgram({"/bin/sh", "-c", tails}).out.c_str());
  return nullptr;
}

S3Gateway::~S3Gateway() {
  // Nothing of it is to be kept.
  for (pid_t* pid : {&gateway_, &disk_, &monitor_}) End(*pid, SIGKILL);
  fs::remove_all(folder_);
}

bool S3Gateway::StartAll() {
  char folder[] = "/var/tmp/nightjar-s3-XXXXXX";
  CHECK(mkdtemp(folder) != nullptr);
  folder_ = folder;
  config_ = folder_ + "/ceph.conf";
  const passwd* user = getpwnam(kUser);
  if (user == nullptr) return false;
  for (const char* name : {"", "/mon", "/osd", "/gateway", "/run"}) {
    fs::create_directories(folder_ + name);
    CHECK(chown((folder_ + name).c_str(), user->pw_uid, user->pw_gid) == 0);
  }
  port_ = FreePort();
  monitor_port_ = FreePort();
  WriteConfig(config_, "");
  return StartMonitor() && StartDisk() && StartGateway() && MakeUser();
}

// One of everything, no keys among themselves, nothing on a disk that matters, no address but
// loopback.
void S3Gateway::WriteConfig(const std::string& path, const std::string& more) {
  const std::string monitor = "127.0.0.1:" + std::to_string(monitor_port_);
  std::string identity = FirstWord(folder_ + "/identity");
  if (identity.empty()) {
    identity = FirstWord("/proc/sys/kernel/random/uuid");
    std::ofstream(folder_ + "/identity") << identity;
  }
  std::ofstream out(path);
  out << "[global]\nfsid = " << identity << "\nmon_host = v1:" << monitor
      << "\nmon_initial_members = a\n"
         "ms_bind_ipv4 = true\nms_bind_ipv6 = false\nms_bind_msgr2 = false\n"
         "public_addr = 127.0.0.1\ncluster_addr = 127.0.0.1\npublic_network = 127.0.0.0/8\n"
         "auth_cluster_required = none\nauth_service_required = none\n"
         "auth_client_required = none\n"
         "osd_pool_default_size = 1\nosd_pool_default_min_size = 1\n"
         "osd_pool_default_pg_num = 4\nosd_pool_default_pgp_num = 4\n"
         "mon_allow_pool_size_one = true\nmon_warn_on_pool_no_redundancy = false\n"
         "mon_data_avail_crit = 1\nmon_data_avail_warn = 2\n"
         // A gateway that was killed is not waited for.
         "osd_client_watch_timeout = 5\n"
         "osd_crush_chooseleaf_type = 0\nosd_objectstore = memstore\n"
         "memstore_device_bytes = 1073741824\nosd_memory_target = 939524096\n"
      << "mon_data = " << folder_ << "/mon\nosd_data = " << folder_ << "/osd\nrun_dir = " << folder_
      << "/run\npid_file =\nadmin_socket = " << folder_
      << "/run/$name.socket\ncrash_dir = " << folder_ << "/run\nlog_file = " << folder_
      << "/run/$name.log\n"
      << "[mon.a]\nmon_addr = " << monitor << "\n"
      << "[client.rgw]\nkeyring = /dev/null\nrgw_data = " << folder_
      << "/gateway\nrgw_frontends = beast endpoint=127.0.0.1:" << port_
      << "\nrgw_enable_apis = s3,admin\nrgw_dns_name = localhost\nrgw_thread_pool_size = 32\n"
         "rgw_lifecycle_work_time = 00:00-24:00\n"
         // Nor is what it was about to expire.
         "rgw_lc_lock_max_time = 5\n";
  out << more;
}

pid_t S3Gateway::Run(const std::vector<std::string>& words) {
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  pid_t pid = fork();
  CHECK(pid >= 0);
  if (pid > 0) return pid;
  int log = open((folder_ + "/run/output").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0666);
  dup2(open("/dev/null", O_RDONLY), 0);
  dup2(log, 1);
  dup2(log, 2);
  BecomeCeph();
  execv(arguments[0], arguments.data());
  _exit(127);
}

bool S3Gateway::StartMonitor() {
  const std::string map = folder_ + "/run/monmap";
  const std::string address = "[v1:127.0.0.1:" + std::to_string(monitor_port_) + "]";
  if (!Works({"/usr/bin/monmaptool", "--create", "--addv", "a", address, "--fsid",
              FirstWord(folder_ + "/identity"), map}) ||
      !Works({"/usr/bin/ceph-mon", "-c", config_, "--mkfs", "-i", "a", "--monmap", map}))
    return false;
  monitor_ = Run({"/usr/bin/ceph-mon", "-c", config_, "-i", "a", "-f"});
  return WhileItLives(monitor_, [this] {
    return RunProgram({"/usr/bin/ceph", "-c", config_, "--connect-timeout", "5", "-s"}).exit_code ==
           0;
  });
}

bool S3Gateway::StartDisk() {
  // A store in memory has an identity of its own choice, which the monitor is told. Made before the
  // monitor says whose it is, it is nobody's, and would be refused.
  bool made = WhileItLives(monitor_, [this] {
    for (const fs::path& left : fs::directory_iterator(folder_ + "/osd")) fs::remove_all(left);
    return Works({"/usr/bin/ceph-osd", "-c", config_, "-i", "0", "--mkfs"}) &&
           FirstWord(folder_ + "/osd/ceph_fsid") == FirstWord(folder_ + "/identity");
  });
  if (!made ||
      !Works({"/usr/bin/ceph", "-c", config_, "osd", "new", FirstWord(folder_ + "/osd/fsid")}))
    return false;
  // One that speaks to the monitor before it has been told whose that is, is refused and ends.
  return WhileItLives(monitor_, [this] {
    disk_ = Run({"/usr/bin/ceph-osd", "-c", config_, "-i", "0", "-f"});
    return WhileItLives(disk_, [this] {
      return RunProgram({"/usr/bin/ceph", "-c", config_, "osd", "stat"}).out.find("1 up") !=
             std::string::npos;
    });
  });
}

bool S3Gateway::StartGateway() {
  gateway_ = Run({"/usr/bin/radosgw", "-c", config_, "-n", "client.rgw", "-f"});
  return WhileItLives(gateway_, [this] { return Listens(port_); });
}

bool S3Gateway::MakeUser() {
  return Works({"/usr/bin/radosgw-admin", "-c", config_, "-n", "client.rgw", "user", "create",
                "--uid=nightjar", "--display-name=nightjar",
                std::string("--access-key=") + kAccessKey,
                std::string("--secret-key=") + kSecretKey});
}

void S3Gateway::Signal(int signal) {
  kill(gateway_, signal);
}

void S3Gateway::Kill() {
  End(gateway_, SIGKILL);
}

bool S3Gateway::Restart() {
  return StartGateway();
}

bool S3Gateway::ExpireBySeconds() {
  const std::string config = folder_ + "/seconds.conf";
  WriteConfig(config, "rgw_lc_debug_interval = 1\n");
  return Works({"/usr/bin/radosgw-admin", "-c", config, "-n", "client.rgw", "lc", "process"});
}

}  // namespace nightjar::e2e
