#include "supervisor/cell/hierarchies.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>

#include <algorithm>

#include "ipc/core/fd.h"

namespace nightjar {
namespace {

std::vector<std::string_view> Split(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    size_t end = text.find_first_of(separators);
    std::string_view part = text.substr(0, end);
    if (!part.empty()) parts.push_back(part);
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return parts;
}

// The kernel writes blanks, newlines and backslashes of a mount point as three octal digits
// (proc(5), /proc/mounts).
std::string Unescape(std::string_view text) {
  auto octal = [](char c) { return c >= '0' && c <= '7'; };
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size() && octal(text[i + 1]) && octal(text[i + 2]) &&
        octal(text[i + 3])) {
      plain +=
          static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + text[i + 3] - '0');
      i += 3;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

bool Contains(const std::vector<std::string>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

ControllerPlace PlaceOf(std::string_view controller, const std::vector<CgroupMount>& mounts,
                        const std::vector<std::string>& unified_controllers) {
  for (const CgroupMount& mount : mounts)
    if (!mount.unified && Contains(mount.options, controller))
      return {ControllerHome::kV1, mount.path};
  if (Contains(unified_controllers, controller)) return {ControllerHome::kUnified, {}};
  return {};
}

bool IsWhatItSays(const CgroupMount& mount) {
  struct statfs info;
  if (statfs(mount.path.c_str(), &info) != 0) return false;
  return info.f_type == (mount.unified ? CGROUP2_SUPER_MAGIC : CGROUP_SUPER_MAGIC);
}

Result<std::string> ReadPath(const char* path) {
  // Large hosts have thousands of mounts.
  return ReadFileAt(AT_FDCWD, path, 4 << 20);
}

}  // namespace

std::vector<std::string> SplitWords(std::string_view text) {
  std::vector<std::string> words;
  for (std::string_view word : Split(text, " \t\n")) words.emplace_back(word);
  return words;
}

std::vector<CgroupMount> ParseCgroupMounts(std::string_view mounts) {
  std::vector<CgroupMount> found;
  for (std::string_view line : Split(mounts, "\n")) {
    auto fields = Split(line, " ");
    if (fields.size() < 4 || (fields[2] != "cgroup" && fields[2] != "cgroup2")) continue;
    CgroupMount mount{Unescape(fields[1]), fields[2] == "cgroup2", {}};
    for (std::string_view option : Split(fields[3], ",")) mount.options.emplace_back(option);
    found.push_back(std::move(mount));
  }
  return found;
}

std::map<std::string, std::string, std::less<>> ParseOwnGroups(std::string_view text) {
  std::map<std::string, std::string, std::less<>> groups;
  for (std::string_view line : Split(text, "\n")) {
    size_t first = line.find(':');
    size_t second = first == std::string_view::npos ? first : line.find(':', first + 1);
    if (second == std::string_view::npos) continue;
    std::string path(line.substr(second + 1));
    std::string_view controllers = line.substr(first + 1, second - first - 1);
    if (controllers.empty()) groups.emplace("", path);
    for (std::string_view controller : Split(controllers, ",")) groups.emplace(controller, path);
  }
  return groups;
}

Hierarchies ChooseHierarchies(const std::vector<CgroupMount>& mounts,
                              const std::vector<std::string>& unified_controllers) {
  Hierarchies chosen;
  for (const CgroupMount& mount : mounts)
    if (mount.unified && chosen.unified_mount.empty()) chosen.unified_mount = mount.path;
  chosen.memory = PlaceOf("memory", mounts, unified_controllers);
  chosen.pids = PlaceOf("pids", mounts, unified_controllers);
  chosen.cpu = PlaceOf("cpu", mounts, unified_controllers);
  chosen.io = PlaceOf("blkio", mounts, {});
  if (chosen.io.home == ControllerHome::kNone) chosen.io = PlaceOf("io", {}, unified_controllers);
  if (!chosen.v1_alone()) return chosen;
  chosen.cpuacct = PlaceOf("cpuacct", mounts, {});
  chosen.freezer = PlaceOf("freezer", mounts, {});
  return chosen;
}

Result<Hierarchies> FindHierarchies(UnifiedTree unified) {
  NJ_ASSIGN(std::string text, ReadPath("/proc/self/mounts"));
  std::vector<CgroupMount> mounts = ParseCgroupMounts(text);
  std::erase_if(mounts, [unified](const CgroupMount& mount) {
    return !IsWhatItSays(mount) || (mount.unified && unified == UnifiedTree::kIgnored);
  });
  std::vector<std::string> controllers;
  for (const CgroupMount& mount : mounts) {
    if (!mount.unified) continue;
    NJ_ASSIGN(std::string words, ReadPath((mount.path + "/cgroup.controllers").c_str()));
    controllers = SplitWords(words);
    break;
  }
  return ChooseHierarchies(mounts, controllers);
}

std::string Hierarchies::Describe() const {
  std::string v1, v2;
  auto add = [&](const ControllerPlace& place, std::string_view name) {
    if (place.home == ControllerHome::kNone) return;
    std::string& list = place.home == ControllerHome::kV1 ? v1 : v2;
    if (!list.empty()) list += ", ";
    list += name;
  };
  add(memory, "memory");
  add(pids, "pids");
  add(cpu, "cpu");
  add(cpuacct, "cpuacct");
  add(freezer, "freezer");
  if (unified_mount.empty()) return v1.empty() ? "none" : "v1 alone: " + v1;
  if (v1.empty()) return "v2: " + (v2.empty() ? "no controller" : v2);
  return "hybrid: v1 " + v1 + " + unified" + (v2.empty() ? "" : " " + v2);
}

}  // namespace nightjar
