#include "supervisor/proc/launcher.h"

#include <fcntl.h>

#include <boost/process/args.hpp>
#include <boost/process/child.hpp>
#include <boost/process/exe.hpp>
#include <boost/process/extend.hpp>
#include <deque>

#include "ipc/core/log.h"
#include "supervisor/proc/launch_arguments.h"
#include "supervisor/proc/nest_orders.h"

namespace nightjar {
namespace {

constexpr int kFirstFd = 3;  // the control socket, the life line, then the doors
constexpr int kAbovePlaces = 64;

// Places descriptors at fixed numbers in the child, just before exec; dup2 also makes them survive
// it. The sources lie above every target.
struct PlaceDescriptors : boost::process::extend::handler {
  std::vector<int> sources;  // for kFirstFd, kFirstFd + 1 ...

  template <typename Executor>
  void on_exec_setup(Executor&) const {
    for (size_t i = 0; i < sources.size(); ++i) dup2(sources[i], kFirstFd + static_cast<int>(i));
  }
};

}  // namespace

struct Launcher::Impl {
  Channel channel;
  NestOrders nest;  // as long as this process lives: its end is the end of the nest
  FdWatch watch;
  std::function<void()> lost;
  std::deque<std::function<void(Result<SpawnedProcess>)>> asked;  // answers come in order
  boost::process::child process;

  Impl(Loop& loop, Fd ours, Fd life_line, std::function<void()> on_lost,
       boost::process::child child)
      : channel(std::move(ours), Channel::Waiting::kNo),
        nest(loop, std::move(life_line)),
        watch(loop, channel.fd(), [this](unsigned) { OnReadable(); }),
        lost(std::move(on_lost)),
        process(std::move(child)) {
    watch.Start(FdWatch::kReadable);
  }

  // Closing its socket ends it; it is reaped here, and it has nothing to finish.
  ~Impl() {
    watch.Stop();
    channel = Channel(Fd(), Channel::Waiting::kNo);
    std::error_code ignored;
    process.wait(ignored);
  }

  void OnReadable() {
    for (;;) {
      auto packet = channel.Receive();
      if (!packet) return Lose(packet.error());
      if (!*packet) return;
      auto answer = (*packet)->Parse<proto::HelperStarted>();
      if (!answer || asked.empty()) return Lose({ErrorCode::kProtocol, 0, "an answer out of turn"});
      auto done = std::move(asked.front());
      asked.pop_front();
      if (!answer->error().empty() || (*packet)->fds.size() != 1)
        done(Fail(ErrorCode::kUnavailable, answer->error()));
      else
        done(SpawnedProcess{std::move((*packet)->fds[0]), answer->pid()});
    }
  }

  void Lose(const Error& error) {
    watch.Stop();
    LogError("launcher_lost", {{"error", error.ToString()}});
    auto waiting = std::move(asked);
    asked.clear();
    for (auto& done : waiting) done(Fail(ErrorCode::kUnavailable, "the launcher is gone"));
    if (lost) std::exchange(lost, nullptr)();
  }
};

Launcher::Launcher(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Launcher::~Launcher() = default;

Result<std::unique_ptr<Launcher>> Launcher::Start(Loop& loop, const std::string& self,
                                                  const LauncherPlan& plan,
                                                  const std::vector<int>& doors,
                                                  std::function<void()> lost) {
  NJ_ASSIGN(auto ends, SeqpacketPair());
  NJ_ASSIGN(auto life, SeqpacketPair());
  LaunchArguments arguments{plan, {}};
  std::vector<int> wanted{ends.second.get(), life.second.get()};
  for (int door : doors) {
    arguments.doors.push_back(kFirstFd + static_cast<int>(wanted.size()));
    wanted.push_back(door);
  }
  PlaceDescriptors place;
  std::vector<Fd> lifted;
  for (int source : wanted) {
    int high = fcntl(source, F_DUPFD_CLOEXEC, kAbovePlaces);
    if (high < 0) return FailErrno("preparing the launcher's descriptors");
    lifted.emplace_back(high);
    place.sources.push_back(high);
  }
  std::error_code failed;
  boost::process::child child(boost::process::exe = self,
                              boost::process::args = FormatLaunchArguments(arguments), place,
                              failed);
  if (failed) return FailErrno("starting the launcher", failed.value());
  return std::unique_ptr<Launcher>(new Launcher(std::make_unique<Impl>(
      loop, std::move(ends.first), std::move(life.first), std::move(lost), std::move(child))));
}

Result<uint64_t> Launcher::KillUser(uint32_t uid) {
  return impl_->nest.KillUser(uid);
}

uint64_t Launcher::kills_done() const {
  return impl_->nest.done();
}

int Launcher::pid() const {
  return impl_->process.id();
}

void Launcher::StartHelper(proto::HelperKind kind, const Fd& helper_end,
                           std::function<void(Result<SpawnedProcess>)> done) {
  proto::StartHelper request;
  request.set_kind(kind);
  Status sent = impl_->channel.Send(request, {helper_end.get()});
  if (!sent) return done(tl::unexpected<Error>(sent.error()));
  impl_->asked.push_back(std::move(done));
}

}  // namespace nightjar
