// What messages about a file of ours have in common. Pure.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "policies/policy.h"

namespace nightjar::policy {

// `wall`
std::string Quoted(std::string_view word);

// "; did you mean `wall`?", or nothing.
std::string Suggestion(std::string_view typed, std::span<const std::string_view> words);

// For who wrote that where a canvas is named: IsCanvasName() says no.
std::string NoCanvasName(std::string_view text);

// "path:line:column: message", a line each; `path` for those that do not name their file.
std::string ErrorLines(std::string_view path, const std::vector<PolicyError>& errors);

// In the order of the files, and no more than anyone reads: the last one told says how many are
// not.
void SortAndCut(std::vector<PolicyError>* errors);

}  // namespace nightjar::policy
