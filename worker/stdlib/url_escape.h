// Percent-encoding. Pure.
#pragma once

#include <string>
#include <string_view>

namespace nightjar::lang {

// All but what RFC 3986 calls unreserved.
std::string UrlEscaped(std::string_view text);

}  // namespace nightjar::lang
