#include "supervisor/cell/control_groups.h"

#include <libcgroup.h>

#include <memory>

namespace nightjar {
namespace {

struct FreeGroup {
  void operator()(cgroup* group) const { cgroup_free(&group); }
};
using Group = std::unique_ptr<cgroup, FreeGroup>;

ErrorCode CodeOf(int failure) {
  switch (failure) {
    case ECGROUPNOTALLOWED:
    case ECGROUPNOTOWNER:
      return ErrorCode::kPermission;
    case ECGROUPNOTEXIST:
    case ECGROUPVALUENOTEXIST:
      return ErrorCode::kNotFound;
    case ECGROUPNOTMOUNTED:
    case ECGROUPSUBSYSNOTMOUNTED:
      return ErrorCode::kUnsupported;
    default:
      return ErrorCode::kInternal;
  }
}

// cgroup_strerror() answers an error text for 0 too, so it is asked for failures alone.
Status Checked(int result, const std::string& context) {
  if (result == 0) return {};
  if (result == ECGOTHER) return FailErrno(context, cgroup_get_last_errno());
  return Fail(CodeOf(result), context + ": " + cgroup_strerror(result));
}

Result<Group> Describe(const std::string& controller, const std::string& name,
                       std::span<const ControlSetting> settings) {
  Group group(cgroup_new_cgroup(name.c_str()));
  if (!group) return Fail(ErrorCode::kExhausted, "describing the group " + name);
  cgroup_controller* part = cgroup_add_controller(group.get(), controller.c_str());
  if (!part)
    return Fail(ErrorCode::kInternal, "describing " + controller + " of the group " + name);
  for (const ControlSetting& setting : settings)
    NJ_TRY(Checked(cgroup_add_value_string(part, setting.file.c_str(), setting.value.c_str()),
                   name + ": " + setting.file + " = " + setting.value));
  return group;
}

}  // namespace

Status StartControlGroups() {
  return Checked(cgroup_init(), "reading the host's cgroup mounts");
}

Status CreateControlGroup(const std::string& controller, const std::string& name,
                          std::span<const ControlSetting> settings) {
  NJ_ASSIGN(Group group, Describe(controller, name, settings));
  constexpr int kKeepOwner = 1;  // the kernel gives a new group to whoever makes it
  return Checked(cgroup_create_cgroup(group.get(), kKeepOwner),
                 "making the " + controller + " group " + name);
}

Status SetControlGroup(const std::string& controller, const std::string& name,
                       std::span<const ControlSetting> settings) {
  if (settings.empty()) return {};
  NJ_ASSIGN(Group group, Describe(controller, name, settings));
  return Checked(cgroup_modify_cgroup(group.get()),
                 "setting " + settings.front().file + " of the group " + name);
}

}  // namespace nightjar
