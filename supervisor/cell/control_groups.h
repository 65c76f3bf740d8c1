// Creates v1 groups and sets limits in groups of both versions, through libcgroup. The only user of
// that library.
//
// It removes nothing and attaches nothing: the library's removal moves the processes of a group to
// its parent first, out of their limits. `group` is relative to the controller's mount point.
// Blocking for the microseconds of a mkdir or a write. Loop thread, or before the loop runs.
#pragma once

#include <span>
#include <string>

#include "ipc/core/result.h"
#include "supervisor/cell/control_settings.h"

namespace nightjar {

// Once, before the others; reads the host's mount table.
Status StartControlGroups();

// Makes the group in a v1 controller's hierarchy (an existing one is fine) and sets what is given.
Status CreateControlGroup(const std::string& controller, const std::string& group,
                          std::span<const ControlSetting> settings);

// Sets limits of a group that exists, in either version.
Status SetControlGroup(const std::string& controller, const std::string& group,
                       std::span<const ControlSetting> settings);

}  // namespace nightjar
