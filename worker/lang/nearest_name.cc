#include "worker/lang/nearest_name.h"

#include <algorithm>
#include <vector>

namespace nightjar::lang {
namespace {

constexpr size_t kLongestName = 64;

// Levenshtein's distance, without regard to case.
size_t Distance(std::string_view a, std::string_view b) {
  auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t change = diagonal + (lower(a[i - 1]) == lower(b[j - 1]) ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, change});
    }
  }
  return row[b.size()];
}

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
    size_t distance = Distance(wanted, candidate);
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
