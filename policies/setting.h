// One setting of a policy file, checked: which limit, which value, which line. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <tl/expected.hpp>

#include "policies/limit_table.h"
#include "policies/toml_reader.h"

namespace nightjar::policy {

struct Setting {
  const LimitKey* key = nullptr;
  LimitValue value;
  Origin origin;
  uint32_t line = 0;  // of the key
  uint32_t column = 0;
  std::string file = {};  // its path
};

// The value of `node` for `key`: its type, its unit and its range are right, or the sentence says
// what is not.
tl::expected<LimitValue, std::string> ReadLimit(const LimitKey& key, const TomlNode& node);

}  // namespace nightjar::policy
