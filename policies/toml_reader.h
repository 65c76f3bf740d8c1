// A TOML file as a tree of plain values, each with its place in the text. Pure.
//
// It knows TOML and nothing of policies. It exists so that the TOML library is included in one
// source file and its exceptions and types go no further.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "policies/policy.h"

namespace nightjar::policy {

struct Place {
  uint32_t line = 0;    // from 1
  uint32_t column = 0;  // from 1, in characters
};

struct TomlNode {
  enum class Kind { kTable, kArray, kString, kInteger, kNumber, kBool, kOther };

  std::string key;  // empty for the file itself
  Place key_at;
  Place at;
  Kind kind = Kind::kTable;
  std::string text;                // kString
  int64_t integer = 0;             // kInteger
  double number = 0;               // kNumber and kInteger
  bool flag = false;               // kBool
  std::vector<TomlNode> children;  // kTable and kArray, in the order of the file

  // "a string", "a table", for messages.
  std::string_view KindName() const;
};

// The file's top table; with an error (there is at most one) the tree is empty. Tables and arrays
// nested deeper than a policy can be come without their children.
TomlNode ReadToml(std::string_view text, std::vector<PolicyError>* errors);

// The same of each of several files, with errors that name theirs; what cannot be read is an empty
// tree. None where they have more than bounds::kPolicyBytes together, with `too_large` as the
// error.
std::vector<TomlNode> ReadTomlFiles(std::span<const PolicyFile> files, const std::string& too_large,
                                    std::vector<PolicyError>* errors);

}  // namespace nightjar::policy
