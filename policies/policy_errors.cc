#include "policies/policy_errors.h"

#include <algorithm>
#include <tuple>

#include "ipc/core/bounds.h"
#include "ipc/core/nearest_word.h"

namespace nightjar::policy {

std::string Quoted(std::string_view word) {
  return "`" + std::string(word) + "`";
}

std::string Suggestion(std::string_view typed, std::span<const std::string_view> words) {
  return DidYouMean(NearestWord(typed, words));
}

std::string NoCanvasName(std::string_view text) {
  return Quoted(text) +
         " is no canvas name: 1 to 63 of a-z, 0-9, '-' and '_', not starting with '-' or '_'";
}

std::string ErrorLines(std::string_view path, const std::vector<PolicyError>& errors) {
  std::string lines;
  for (const PolicyError& error : errors)
    lines += (lines.empty() ? "" : "\n") + (error.file.empty() ? std::string(path) : error.file) +
             ":" + std::to_string(error.line) + ":" + std::to_string(error.column) + ": " +
             error.message;
  return lines;
}

void SortAndCut(std::vector<PolicyError>* errors) {
  std::stable_sort(errors->begin(), errors->end(), [](const PolicyError& a, const PolicyError& b) {
    return std::tie(a.file, a.line, a.column) < std::tie(b.file, b.line, b.column);
  });
  if (errors->size() <= bounds::kPolicyErrors) return;
  size_t more = errors->size() - bounds::kPolicyErrors;
  errors->resize(bounds::kPolicyErrors);
  errors->back().message += "; and " + std::to_string(more) + " more";
}

}  // namespace nightjar::policy
