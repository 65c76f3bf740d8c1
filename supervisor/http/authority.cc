#include "supervisor/http/authority.h"

#include <algorithm>

#include "supervisor/http/ascii.h"

namespace nightjar::http {
namespace {

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

// RFC 3986 3.2.2, reg-name: unreserved, percent-encoded, sub-delims.
bool IsHostByte(char c) {
  return IsDigit(c) || (ToLowerAscii(c) >= 'a' && ToLowerAscii(c) <= 'z') ||
         std::string_view("-._~%!$&'()*+,;=").find(c) != std::string_view::npos;
}

bool IsAddressByte(char c) {
  return IsDigit(c) || (ToLowerAscii(c) >= 'a' && ToLowerAscii(c) <= 'f') || c == ':' || c == '.';
}

}  // namespace

std::optional<std::string> HostOf(std::string_view authority) {
  std::string_view host = authority;
  bool is_address = !authority.empty() && authority.front() == '[';
  size_t end = is_address ? authority.find(']') : authority.find(':');
  if (is_address) {
    if (end == std::string_view::npos) return std::nullopt;
    ++end;
  }
  host = authority.substr(0, end);
  std::string_view port = authority.substr(std::min(end, authority.size()));
  if (!port.empty() && (port.front() != ':' || !std::all_of(port.begin() + 1, port.end(), IsDigit)))
    return std::nullopt;
  std::string_view inside = is_address ? host.substr(1, host.size() - 2) : host;
  if (!std::all_of(inside.begin(), inside.end(), is_address ? IsAddressByte : IsHostByte))
    return std::nullopt;
  return ToLowerAscii(host);
}

std::optional<AbsoluteTarget> SplitAbsolute(std::string_view target) {
  size_t scheme = StartsWithNoCase(target, "http://")    ? 7
                  : StartsWithNoCase(target, "https://") ? 8
                                                         : 0;
  if (scheme == 0) return std::nullopt;
  target.remove_prefix(scheme);
  AbsoluteTarget parts;
  parts.authority = target.substr(0, target.find_first_of("/?"));
  target.remove_prefix(parts.authority.size());
  if (target.empty() || target.front() == '?') parts.target = "/";
  parts.target.append(target);
  return parts;
}

}  // namespace nightjar::http
