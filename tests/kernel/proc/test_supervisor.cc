// Stands in for nightjard in tests: its own launcher, a supervisor to be killed, and a helper.
//
//   --launcher ...               as nightjard
//   --helper                     echoes packets on its socket, ends at "exit", and becomes user N
//                                at "be N"
//   --supervisor SELF ZYGOTE UID gives up root, starts a zygote and a worker of it that spins, and
//                                sends the pidfds of both to descriptor 3
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>

#include "ipc/core/check.h"
#include "ipc/core/log.h"
#include "ipc/core/privileges.h"
#include "supervisor/proc/helper.h"
#include "supervisor/proc/launcher.h"
#include "supervisor/proc/zygote_connection.h"

namespace nightjar {
namespace {

constexpr int kSocket = 3;

int HelperMain() {
  char packet[64];
  for (;;) {
    ssize_t got = recv(kSocket, packet, sizeof packet, 0);
    if (got <= 0) return 0;
    if (std::string_view(packet, static_cast<size_t>(got)) == "exit") return 9;
    std::string word(packet, static_cast<size_t>(got));
    if (word.starts_with("be ")) {
      auto uid = static_cast<uid_t>(strtoul(word.c_str() + 3, nullptr, 10));
      if (setresuid(uid, uid, uid) != 0) return 1;
    }
    if (send(kSocket, packet, static_cast<size_t>(got), 0) != got) return 1;
  }
}

// One life: everything in it is meant to be killed.
class DoomedSupervisor {
 public:
  DoomedSupervisor(Loop& loop, const std::string& self, const std::string& zygote, uint32_t uid)
      : loop_(loop), uid_(uid), connection_(loop), report_(Fd(kSocket), Channel::Waiting::kYes) {
    LauncherPlan plan;
    plan.zygote = {zygote, "--zygote", "--control-fd", "3", "--uid", std::to_string(uid)};
    plan.writer = {self, "--helper"};
    auto launcher = Launcher::Start(loop, self, plan, {}, [] {});
    CHECK(launcher.has_value());
    launcher_ = std::move(*launcher);
    CHECK(DropPrivileges(uid, uid).has_value());
    Helper::Events events;
    events.up = [this](Channel channel) {
      connection_.Connect(std::move(channel));
      SpawnWorker();
    };
    events.down = [this] { connection_.Disconnect(); };
    helper_ = std::make_unique<Helper>(loop, clock_, *launcher_, proto::HELPER_ZYGOTE, "zygote",
                                       std::move(events));
    helper_->Start();
  }

 private:
  void SpawnWorker() {
    auto ends = SeqpacketPair();
    auto ring = CreateSizedMemfd("ring", 4096 * 1024);
    CHECK(ends && ring);
    control_ = std::make_unique<Channel>(std::move(ends->first), Channel::Waiting::kNo);
    SpawnRequest request;
    request.worker = 1;
    request.uid = uid_ + 16;
    request.cpu_seconds_max = 100;
    request.control_fd = ends->second.get();
    request.ring_fd = ring->get();
    connection_.Spawn(request, [this](Result<SpawnedProcess> process) {
      CHECK(process.has_value());
      worker_ = std::move(process->pidfd);
      watch_ = std::make_unique<FdWatch>(loop_, control_->fd(), [this](unsigned) { OnMessage(); });
      watch_->Start(FdWatch::kReadable);
    });
  }

  void OnMessage() {
    auto packet = control_->Receive();
    CHECK(packet.has_value());
    if (!*packet) return;
    auto message = (*packet)->Parse<proto::FromWorker>();
    CHECK(message.has_value());
    if (message->has_sealed()) {
      CHECK(message->sealed().failed_step().empty());
      proto::ToWorker arm;
      auto program = CreateImmutableMemfd("program", "program");
      arm.mutable_arm();
      CHECK(control_->Send(arm, {program->get()}).has_value());
      return;
    }
    proto::ToWorker run;
    run.mutable_run()->set_json("spin");
    CHECK(control_->Send(run).has_value());
    proto::WorkerSpawned told;
    told.set_worker_id(static_cast<uint64_t>(helper_->pid()));
    CHECK(report_.Send(told, {worker_.get()}).has_value());
  }

  Loop& loop_;
  uint32_t uid_;
  SystemClock clock_;
  ZygoteConnection connection_;
  Channel report_;
  std::unique_ptr<Launcher> launcher_;
  std::unique_ptr<Helper> helper_;
  std::unique_ptr<Channel> control_;
  std::unique_ptr<FdWatch> watch_;
  Fd worker_;
};

int SupervisorMain(char** argv) {
  StartLog("test-supervisor", LogMode::kSync);
  fcntl(kSocket, F_SETFD, FD_CLOEXEC);
  auto loop = Loop::Create();
  CHECK(loop.has_value());
  DoomedSupervisor supervisor(**loop, argv[2], argv[3],
                              static_cast<uint32_t>(strtoul(argv[4], nullptr, 10)));
  (*loop)->Run();
  return 0;
}

}  // namespace
}  // namespace nightjar

int main(int argc, char** argv) {
  std::string_view word = argc > 1 ? argv[1] : "";
  if (word == nightjar::kLauncherFlag) return nightjar::LauncherMain(argc, argv);
  if (word == "--helper") return nightjar::HelperMain();
  if (word == "--supervisor" && argc == 5) return nightjar::SupervisorMain(argv);
  return 2;
}
