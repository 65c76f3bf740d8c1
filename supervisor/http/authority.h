// The host and port of a request: checked and taken apart. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace nightjar::http {

// "Demo.localhost:8080" -> "demo.localhost"; "[::1]:80" -> "[::1]"; "" -> "". Nothing for what is
// no host: user information, a port that is no number, a byte that no host has.
std::optional<std::string> HostOf(std::string_view authority);

// An absolute-form target taken apart: "http://demo.localhost/a?b" -> authority and "/a?b".
struct AbsoluteTarget {
  std::string_view authority;
  std::string target;
};
// Nothing where `target` does not start with http:// or https://.
std::optional<AbsoluteTarget> SplitAbsolute(std::string_view target);

}  // namespace nightjar::http
