// Text armour around keys and certificates (RFC 7468). Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace nightjar::lang {

// What stands between "-----BEGIN label-----" and its end, decoded: the first of this label.
// Nothing when there is none, or what is there is no base 64.
std::optional<std::string> FromPem(std::string_view text, std::string_view label);

// With lines of 64 characters, and a line's end behind the last.
std::string ToPem(std::string_view der, std::string_view label);

}  // namespace nightjar::lang
