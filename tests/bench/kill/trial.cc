#include "tests/bench/kill/trial.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <optional>

#include "ipc/core/check.h"
#include "ipc/core/clone.h"
#include "supervisor/watch/reaper.h"
#include "supervisor/watch/watchdog.h"

namespace nightjar::bench {
namespace {

template <typename T>
T Must(Result<T> result) {
  if (result) return std::move(*result);
  fprintf(stderr, "bench-kill: %s\n", result.error().ToString().c_str());
  exit(1);
}

LastTouch* Share(const Fd& file) {
  CHECK(ftruncate(file.get(), sizeof(LastTouch)) == 0);
  void* at = mmap(nullptr, sizeof(LastTouch), PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  CHECK(at != MAP_FAILED);
  return new (at) LastTouch;
}

}  // namespace

class Rig::Trial {
 public:
  Trial(Rig& rig, const Setup& setup, std::function<void()> over)
      : rig_(rig),
        setup_(setup),
        cell_(Must(rig.tree_->Acquire(setup.canvas, setup.canvas_limits, setup.limits, /*uid=*/0))),
        reaper_(*rig.loop_, rig.clock_, *cell_,
                [this, over = std::move(over)](const Death& death) {
                  gone_at_ = rig_.clock_.Mono();
                  quarantined_ = death.quarantined;
                  over();
                }),
        touch_file_(memfd_create("bench-touch", MFD_CLOEXEC)),
        touched_(Share(touch_file_)) {
    limits_.wall.value = std::chrono::duration_cast<policy::Micros>(setup.wall);
    limits_.cpu.value = std::chrono::seconds(600);
    limits_.pids.value = setup.limits.pids;
  }
  ~Trial() {
    child_.reset();
    rig_.tree_->Release(std::move(cell_));
    munmap(touched_, sizeof *touched_);
  }

  // Returns when it says that it is ready. With a gate it is ready to be what it is going to be,
  // and waits for the gate's writing end to be closed everywhere.
  void Bear(int gate_fd) {
    int ready[2];
    CHECK(pipe2(ready, O_CLOEXEC) == 0);
    Fd from(ready[0]);
    Fd to(ready[1]);
    std::vector<CellDoor> doors = cell_->doors();
    int pidfd = -1;
    CloneArguments clone;
    clone.flags = CLONE_NEWPID | CLONE_PIDFD;
    clone.pidfd = reinterpret_cast<uint64_t>(&pidfd);
    clone.exit_signal = SIGCHLD;
    if (!doors.empty() && doors.front().born_into) {
      clone.flags |= kCloneIntoCgroup;
      clone.cgroup = static_cast<uint64_t>(doors.front().dir_fd);
    }
    long pid = Clone3(clone);
    CHECK(pid >= 0);
    if (pid == 0) Enter(doors, to.get(), gate_fd);
    child_.emplace(*rig_.loop_, Fd(pidfd), static_cast<int>(pid),
                   [this](WaitStatus status) { reaper_.ChildExited(status); });
    to = Fd();
    char byte;
    CHECK(read(from.get(), &byte, 1) == 1);
  }

  void Watch(MonoTime started) {
    if (setup_.victim == Victim::kOutOfMemory) return;
    deadline_ = started + limits_.wall.value;
    watchdog_.emplace(*rig_.loop_, rig_.clock_, &rig_.guard_, *cell_, limits_,
                      Must(cell_->ReadUsage()), started, [this](const KillCause&) {
                        decided_at_ = rig_.clock_.Mono();
                        reaper_.Kill(Reaper::Sample::kFrozen);
                      });
  }

  void Tell(Outcomes& outcomes) const {
    if (quarantined_) ++outcomes.quarantined;
    if (setup_.victim == Victim::kOutOfMemory) {
      outcomes.gone.push_back(gone_at_ - MonoTime(Nanos(touched_->ns.load())));
      return;
    }
    outcomes.overshoot.push_back(decided_at_ - deadline_);
    outcomes.gone.push_back(gone_at_ - decided_at_);
    outcomes.late.push_back(gone_at_ - deadline_);
  }

 private:
  [[noreturn]] void Enter(const std::vector<CellDoor>& doors, int ready_fd, int gate_fd) {
    for (const CellDoor& door : doors) {
      if (door.born_into) continue;
      int procs = openat(door.dir_fd, "cgroup.procs", O_WRONLY | O_CLOEXEC);
      if (write(procs, "0", 1) != 1) _exit(1);
      close(procs);
    }
    Become(setup_.victim, ready_fd, gate_fd, touch_file_.get());
  }

  Rig& rig_;
  const Setup& setup_;
  policy::Limits limits_;
  std::unique_ptr<Cell> cell_;
  Reaper reaper_;
  Fd touch_file_;
  LastTouch* touched_;
  std::optional<Child> child_;
  std::optional<Watchdog> watchdog_;
  MonoTime deadline_{};
  MonoTime decided_at_{};
  MonoTime gone_at_{};
  bool quarantined_ = false;
};

Rig::Rig(std::string top) : top_(std::move(top)), loop_(Must(Loop::Create())) {
  CellTree::Options options;
  options.top = top_;
  tree_ = Must(CellTree::Create(options));
}

Rig::~Rig() {
  tree_->RemoveAll();
}

void Rig::Kill(const Setup& setup, unsigned at_once, Outcomes& outcomes) {
  unsigned left = at_once;
  // Many are born before the first one spins, or the last would be long in coming.
  int ends[2] = {-1, -1};
  if (at_once > 1) CHECK(pipe2(ends, O_CLOEXEC) == 0);
  Fd gate(ends[0]);
  Fd gate_writer(ends[1]);
  std::vector<std::unique_ptr<Trial>> trials;
  for (unsigned i = 0; i < at_once; ++i) {
    trials.push_back(std::make_unique<Trial>(*this, setup, [this, &left] {
      if (--left == 0) loop_->Stop();
    }));
    trials.back()->Bear(gate.get());
  }
  gate_writer = Fd();
  MonoTime started = clock_.Mono();
  for (auto& trial : trials) trial->Watch(started);
  loop_->Run();
  for (auto& trial : trials) trial->Tell(outcomes);
  trials.clear();
  tree_->Sweep();
}

uint64_t Rig::Survivors() const {
  uint64_t found = 0;
  DIR* proc = opendir("/proc");
  CHECK(proc != nullptr);
  while (dirent* entry = readdir(proc)) {
    int pid = atoi(entry->d_name);
    if (pid <= 0) continue;
    std::ifstream file("/proc/" + std::string(entry->d_name) + "/cgroup");
    std::string groups{std::istreambuf_iterator<char>(file), {}};
    if (groups.find("/" + top_ + "/") == std::string::npos) continue;
    ++found;
    kill(pid, SIGKILL);
  }
  closedir(proc);
  return found;
}

}  // namespace nightjar::bench
