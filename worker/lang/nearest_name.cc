#include "worker/lang/nearest_name.h"

#include "ipc/core/nearest_word.h"

namespace nightjar::lang {
namespace {

constexpr size_t kLongestName = 64;

std::string Written(const Builtin& builtin) {
  std::string name(builtin.name);
  if (!builtin.module.empty()) name = std::string(builtin.module) + "." + name;
  return name + "_v" + std::to_string(builtin.version);
}

}  // namespace

std::string NearestBuiltin(const Library& library, std::string_view module, std::string_view name,
                           uint32_t version) {
  std::string wanted =
      module.empty() ? std::string(name) : std::string(module) + "." + std::string(name);
  if (wanted.size() > kLongestName) return "";
  const Builtin* best = nullptr;
  size_t best_distance = wanted.size() / 3 + 1;
  for (const Builtin& builtin : library.All()) {
    std::string candidate(builtin.name);
    if (!builtin.module.empty()) candidate = std::string(builtin.module) + "." + candidate;
    size_t length_gap = candidate.size() > wanted.size() ? candidate.size() - wanted.size()
                                                         : wanted.size() - candidate.size();
    if (length_gap > best_distance) continue;
    size_t distance = EditDistance(wanted, candidate);
    // Of the versions of one function, the newest; but not the one that does not exist.
    bool better = best == nullptr
                      ? distance <= best_distance
                      : distance < best_distance ||
                            (distance == best_distance && builtin.name == best->name &&
                             builtin.module == best->module && builtin.version > best->version);
    if (!better || (distance == 0 && builtin.version == version)) continue;
    best = &builtin;
    best_distance = distance;
  }
  return best == nullptr ? "" : Written(*best);
}

}  // namespace nightjar::lang
