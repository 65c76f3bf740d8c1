// How the supervisor tells a launcher, on its command line, what it may start. Pure; both sides use
// it.
#pragma once

#include <string>
#include <vector>

#include "ipc/core/result.h"
#include "supervisor/proc/launcher.h"

namespace nightjar {

struct LaunchArguments {
  LauncherPlan plan;
  std::vector<int> doors;  // descriptor numbers in the launcher
};

// Everything after the program's own name.
std::vector<std::string> FormatLaunchArguments(const LaunchArguments& arguments);
Result<LaunchArguments> ParseLaunchArguments(int argc, char** argv);

}  // namespace nightjar
