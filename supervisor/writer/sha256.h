// SHA-256, from nettle, as the writer's records need it. Any thread.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace nightjar {

inline constexpr size_t kSha256Bytes = 32;

// Of all parts, one behind the other.
std::string Sha256(std::initializer_list<std::string_view> parts);

// "9f86d0...".
std::string HashText(std::string_view hash);
// The other way round; nullopt: these are not the digits of a hash.
std::optional<std::string> HashOfText(std::string_view text);

}  // namespace nightjar
