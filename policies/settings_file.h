// Reads a small file of settings of one kind: all or nothing, each mistake with its line and
// column. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/core/bounds.h"
#include "policies/policy_errors.h"
#include "policies/toml_reader.h"

namespace nightjar::policy {

// `Builder` is made with a list of errors to add to, Take()s each node of the file and Finish()es
// with the settings, if there was no error. `what`: "a store file".
template <typename Builder>
auto ReadSettingsFile(std::string_view text, const std::string& what,
                      std::vector<PolicyError>* errors)
    -> decltype(std::declval<Builder>().Finish()) {
  std::vector<PolicyError> found;
  decltype(std::declval<Builder>().Finish()) settings;
  if (text.size() > bounds::kStoreFileBytes) {
    found.push_back(
        {1, 1, what + " is at most " + std::to_string(bounds::kStoreFileBytes) + " bytes"});
  } else {
    TomlNode file = ReadToml(text, &found);
    if (found.empty()) {
      Builder builder(&found);
      for (const TomlNode& node : file.children) builder.Take(node);
      settings = builder.Finish();
    }
  }
  if (found.empty()) return settings;
  SortAndCut(&found);
  errors->insert(errors->end(), found.begin(), found.end());
  return std::nullopt;
}

}  // namespace nightjar::policy
