#include <fcntl.h>
#include <unistd.h>

#include "supervisor/cell/cell_counters.h"
#include "supervisor/cell/members.h"

namespace nightjar {
namespace {

class Unified final : public Members {
 public:
  Unified(int dir, Fd events) : dir_(dir), events_(std::move(events)) {}

  Status Freeze() override { return WriteFileAt(dir_, "cgroup.freeze", "1"); }
  Status Thaw() override { return WriteFileAt(dir_, "cgroup.freeze", "0"); }
  // A frozen group dies of it without a thaw.
  Status Kill() override { return WriteFileAt(dir_, "cgroup.kill", "1"); }
  Result<bool> Empty() const override {
    char text[128];
    ssize_t got = pread(events_.get(), text, sizeof text, 0);
    if (got < 0) return FailErrno("reading cgroup.events of a cell");
    return CounterIn({text, static_cast<size_t>(got)}, "populated") == 0;
  }
  int events_fd() const override { return events_.get(); }
  void SetUser(uint32_t) override {}  // the group itself says who is meant

 private:
  const int dir_;
  Fd events_;  // also tells Empty(): the read is what arms the next POLLPRI
};

}  // namespace

Result<std::unique_ptr<Members>> UnifiedMembers(const GroupDirs& dirs) {
  Fd events(openat(dirs.unified.get(), "cgroup.events", O_RDONLY | O_CLOEXEC));
  if (!events.valid()) return FailErrno("opening cgroup.events of a cell");
  return std::make_unique<Unified>(dirs.unified.get(), std::move(events));
}

}  // namespace nightjar
