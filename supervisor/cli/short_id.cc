#include "supervisor/cli/short_id.h"

#include <algorithm>

#include "ipc/core/ids.h"

namespace nightjar::cli {

bool IsWholeId(std::string_view text) {
  return RunId::Parse(text).has_value();
}

Result<std::string> FindId(std::string_view prefix, const std::vector<std::string>& ids) {
  std::string wanted(prefix);
  for (char& c : wanted) c = c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
  if (wanted.size() < kShortestId ||
      wanted.find_first_not_of("0123456789abcdef-") != std::string::npos)
    return Fail(ErrorCode::kInvalid, "`" + std::string(prefix) + "` is no id: give " +
                                         std::to_string(kShortestId) +
                                         " or more of its first characters (0-9, a-f, -)");
  std::vector<std::string> found;
  for (const std::string& id : ids)
    if (id.starts_with(wanted) && std::find(found.begin(), found.end(), id) == found.end())
      found.push_back(id);
  if (found.empty())
    return Fail(ErrorCode::kNotFound, "nothing listed has an id that starts with `" + wanted +
                                          "`; an older one needs its whole id");
  if (found.size() == 1) return found[0];
  // The first 12 digits are the time: runs of one burst share many.
  return Fail(ErrorCode::kExists, "`" + wanted + "` is the start of " +
                                      std::to_string(found.size()) + " ids, among them " +
                                      found[0] + " and " + found[1] + ": give more of it");
}

}  // namespace nightjar::cli
