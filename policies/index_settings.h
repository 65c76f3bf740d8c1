// What an index file says: the PostgreSQL that holds the index that machines share.
//
// All or nothing, as a policy: with an error there are no settings, and each error has its line and
// column. Pure: the text comes in, nothing is looked up or connected to. The password is in a file
// of its own, which the storage writer alone reads.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "policies/policy.h"
#include "policies/toml_reader.h"

namespace nightjar {

struct IndexSettings {
  // libpq's keywords and their values, but for the password.
  std::vector<std::pair<std::string, std::string>> keywords;
  std::string host;           // of them, for messages
  std::string machine;        // this one's name; empty: the host's
  std::string password_file;  // empty: there is none
  policy::Place password_at;  // of that value
};

std::optional<IndexSettings> ParseIndexSettings(std::string_view text,
                                                std::vector<policy::PolicyError>* errors);

// Of a machine: 1 to 63 of letters, digits, '-', '_' and '.', of which the first is no sign.
bool IsMachineName(std::string_view name);

}  // namespace nightjar
