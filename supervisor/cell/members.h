// The processes of one cell as a whole: stopped, killed, and known to be gone.
//
// One contract, two kinds of hosts. The unified tree does each of it in one write to a file of the
// group, and tells when a group becomes empty. v1 alone has a freezer, where it is mounted; there a
// kill goes through the UserKiller, and emptiness has to be asked for. See cell.h for what each
// method promises. Loop thread only.
#pragma once

#include <memory>

#include "supervisor/cell/cell.h"
#include "supervisor/cell/group.h"

namespace nightjar {

class Members {
 public:
  virtual ~Members() = default;

  virtual Status Freeze() = 0;
  virtual Status Thaw() = 0;
  virtual Status Kill() = 0;
  virtual Result<bool> Empty() const = 0;
  virtual int events_fd() const = 0;
  // Whose processes they are from now on; 0: nobody's, the cell is empty and its last user's id may
  // be somebody else's.
  virtual void SetUser(uint32_t uid) = 0;
};

// The descriptors in `dirs` outlive what is made. `killer` too; its functions may be empty.
Result<std::unique_ptr<Members>> UnifiedMembers(const GroupDirs& dirs);
std::unique_ptr<Members> V1Members(const GroupDirs& dirs, const UserKiller& killer);

}  // namespace nightjar
