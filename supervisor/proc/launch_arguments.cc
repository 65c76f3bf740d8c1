#include "supervisor/proc/launch_arguments.h"

#include <charconv>

namespace nightjar {
namespace {

constexpr const char* kNestWatches = "watch";
constexpr const char* kNestKills = "watch-and-kill";

// --launcher DUTY-OF-THE-NEST DOORS [FD...], then for the zygote, the writer and the exec zygote:
// WORDS [words...]
Result<size_t> Count(const char* text) {
  size_t value = 0;
  std::string_view whole(text);
  auto [end, failed] = std::from_chars(whole.data(), whole.data() + whole.size(), value);
  if (failed != std::errc() || end != whole.data() + whole.size())
    return Fail(ErrorCode::kInvalid,
                "the launcher's command line is not of the supervisor's making");
  return value;
}

}  // namespace

std::vector<std::string> FormatLaunchArguments(const LaunchArguments& arguments) {
  bool kills = arguments.plan.nest == NestDuty::kWatchAndKill;
  std::vector<std::string> words{kLauncherFlag, kills ? kNestKills : kNestWatches,
                                 std::to_string(arguments.doors.size())};
  for (int door : arguments.doors) words.push_back(std::to_string(door));
  const LauncherPlan& plan = arguments.plan;
  for (const auto* command : {&plan.zygote, &plan.writer, &plan.exec_zygote}) {
    words.push_back(std::to_string(command->size()));
    words.insert(words.end(), command->begin(), command->end());
  }
  return words;
}

Result<LaunchArguments> ParseLaunchArguments(int argc, char** argv) {
  std::vector<const char*> words(argv + std::min(argc, 2), argv + argc);
  auto bad = [] { return Fail(ErrorCode::kInvalid, "the launcher's command line is incomplete"); };
  LaunchArguments arguments;
  size_t at = 0;
  if (words.size() < 2) return bad();
  std::string_view duty = words[at++];
  if (duty != kNestWatches && duty != kNestKills) return bad();
  if (duty == kNestKills) arguments.plan.nest = NestDuty::kWatchAndKill;
  NJ_ASSIGN(size_t doors, Count(words[at++]));
  for (size_t i = 0; i < doors; ++i) {
    if (at >= words.size()) return bad();
    NJ_ASSIGN(size_t door, Count(words[at++]));
    arguments.doors.push_back(static_cast<int>(door));
  }
  LauncherPlan& plan = arguments.plan;
  for (auto* command : {&plan.zygote, &plan.writer, &plan.exec_zygote}) {
    if (at >= words.size()) return bad();
    NJ_ASSIGN(size_t count, Count(words[at++]));
    if (count > words.size() - at) return bad();
    auto first = words.begin() + static_cast<long>(at);
    command->assign(first, first + static_cast<long>(count));
    at += count;
  }
  if (at != words.size()) return bad();
  return arguments;
}

}  // namespace nightjar
