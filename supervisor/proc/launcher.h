// The launcher: a small root process that starts the helpers as children of the supervisor.
//
// The supervisor gives up every privilege at its start and still must be able to restart a zygote,
// which has some. So before that it starts this process, which keeps root, runs no foreign code,
// reads nothing but the supervisor's socket, and knows three command lines that were fixed when it
// started (docs/adr/0001-launcher.md). It dies with the supervisor.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "ipc/core/result.h"
#include "ipc/proto/worker.pb.h"
#include "ipc/wire/channel.h"
#include "supervisor/loop/loop.h"
#include "supervisor/proc/nest.h"
#include "supervisor/proc/zygote_client.h"

namespace nightjar {

struct LauncherPlan {
  std::vector<std::string> zygote;  // program and arguments; its control socket is descriptor 3
  std::vector<std::string> writer;  // the same
  std::vector<std::string> exec_zygote;  // the same; the exec engine's
  NestDuty nest = NestDuty::kWatch;
};

// The word on the command line that makes nightjard a launcher.
inline constexpr const char* kLauncherFlag = "--launcher";

// The launcher's whole life; called first thing by main() when argv[1] is kLauncherFlag. Returns
// its exit code.
int LauncherMain(int argc, char** argv);

// The supervisor's side. Loop thread only.
class Launcher {
 public:
  // As root, before privileges are dropped. `self`: the path of this program. `doors`: cgroup
  // directories that the launcher, and so everything that it starts, goes into. `lost` is called
  // when it is gone: no helper can be restarted any more.
  static Result<std::unique_ptr<Launcher>> Start(Loop& loop, const std::string& self,
                                                 const LauncherPlan& plan,
                                                 const std::vector<int>& doors,
                                                 std::function<void()> lost);
  ~Launcher();

  // `helper_end`: the helper's end of its control socket, borrowed. `done` once, from the loop.
  void StartHelper(proto::HelperKind kind, const Fd& helper_end,
                   std::function<void(Result<SpawnedProcess>)> done);

  // Kills all processes of a user in the nest, whose duty it must be. Nobody is waited for: the
  // answer is a ticket, and kills_done() the last one that is done, with all before it.
  Result<uint64_t> KillUser(uint32_t uid);
  uint64_t kills_done() const;

  int pid() const;  // for display only

 private:
  struct Impl;
  explicit Launcher(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace nightjar
