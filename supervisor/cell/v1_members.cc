#include "ipc/core/bounds.h"
#include "supervisor/cell/kill_members.h"
#include "supervisor/cell/members.h"

namespace nightjar {
namespace {

class V1 final : public Members {
 public:
  V1(int members, int freezer, const UserKiller& killer)
      : members_(members), freezer_(freezer), killer_(killer) {}

  // Without a freezer it runs on until the kill: `nightjar doctor` says so (check "freeze").
  Status Freeze() override { return SetFreezer("FROZEN"); }
  Status Thaw() override { return SetFreezer("THAWED"); }

  // What is frozen here takes the signal only after a thaw.
  Status Kill() override {
    NJ_TRY(Signal());
    return Thaw();
  }

  Result<bool> Empty() const override {
    // A kill that came later would meet the user id's next owner.
    if (killer_.done && killer_.done() < ticket_) return false;
    NJ_ASSIGN(std::string listed, ReadFileAt(members_, "cgroup.procs", bounds::kCellMembersRead));
    return listed.empty();
  }

  int events_fd() const override { return -1; }
  void SetUser(uint32_t uid) override { uid_ = uid; }

 private:
  Status Signal() {
    if (killer_.kill && uid_ != 0) {
      NJ_ASSIGN(ticket_, killer_.kill(uid_));
      return {};
    }
    KillMembers(members_, 0);
    return {};
  }
  Status SetFreezer(const char* state) const {
    if (freezer_ < 0) return {};
    return WriteFileAt(freezer_, "freezer.state", state);
  }

  const int members_;
  const int freezer_;  // -1: the host has none
  const UserKiller& killer_;
  uint32_t uid_ = 0;
  uint64_t ticket_ = 0;  // of the last kill
};

}  // namespace

std::unique_ptr<Members> V1Members(const GroupDirs& dirs, const UserKiller& killer) {
  return std::make_unique<V1>(dirs.members_v1(), dirs.freezer_v1.get(), killer);
}

}  // namespace nightjar
