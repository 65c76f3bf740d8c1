#include "supervisor/host/privilege.h"

#include <unistd.h>

#include "supervisor/host/user_namespace.h"

namespace nightjar {

Privilege GainPrivilege(uint32_t ids) {
  uid_t user = geteuid();
  if (user == 0) return {Privilege::Kind::kRoot, user};
  if (Status entered = EnterUserNamespace(ids); !entered)
    return {Privilege::Kind::kNone, user, entered.error().ToString()};
  return {Privilege::Kind::kUserNamespace, user};
}

}  // namespace nightjar
