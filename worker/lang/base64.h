// Base 64 as programs send and receive it. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace nightjar::lang {

enum class Padding { kKept, kNone };
// With '-' and '_': fit for URLs.
std::string UrlBase64(std::string_view bytes, Padding padding);
// Either alphabet, padded or not. None: it is no base 64.
std::optional<std::string> DecodeBase64(std::string_view text);

}  // namespace nightjar::lang
