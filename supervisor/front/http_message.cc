#include "supervisor/front/http_message.h"

#include <algorithm>

#include "ipc/core/ascii.h"

namespace nightjar {
namespace {

// RFC 3986 3.1.
bool IsScheme(std::string_view text) {
  auto letter = [](char c) { return ToLowerAscii(c) >= 'a' && ToLowerAscii(c) <= 'z'; };
  auto part = [&](char c) {
    return letter(c) || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
  };
  return !text.empty() && text.size() <= 16 && letter(text.front()) &&
         std::all_of(text.begin(), text.end(), part);
}

// "host:81" as "host" and "81"; the colons of an address in brackets are its own.
std::pair<std::string_view, std::string_view> SplitPort(std::string_view authority) {
  size_t colon = authority.rfind(':');
  size_t bracket = authority.rfind(']');
  if (colon == std::string_view::npos || (bracket != std::string_view::npos && bracket > colon))
    return {authority, {}};
  return {authority.substr(0, colon), authority.substr(colon + 1)};
}

}  // namespace

std::string_view HeaderOf(const http::Request& request, std::string_view name) {
  for (const auto& [own, value] : request.headers)
    if (EqualsNoCase(own, name)) return value;
  return {};
}

std::string_view PathOf(const http::Request& request) {
  std::string_view target = request.target;
  return target.substr(0, target.find('?'));
}

std::string UrlOf(const http::Request& request, const proto::HandlerEntry& handler) {
  std::string_view authority = HeaderOf(request, "host");
  if (authority.empty()) authority = request.host;
  auto [host, port] = SplitPort(authority);
  std::string_view forwarded = HeaderOf(request, "x-forwarded-proto");
  std::string scheme = "http";
  if (port == "80") port = {};
  if (forwarded == "https") {
    scheme = "https";
    port = {};
  } else if (!handler.bytes() && IsScheme(forwarded) && forwarded != "http") {
    scheme = forwarded;
    if (port.empty()) port = "80";  // it was asked on, and is not what this scheme stands for
  }
  std::string url = scheme + "://" + std::string(host);
  if (!port.empty()) url.append(":").append(port);
  return url.append(request.target);
}

void FillHttp(const http::Request& request, const RouteMatch& match,
              const proto::HandlerEntry& handler, proto::HttpRequest* out) {
  std::string_view target = request.target;
  std::string_view path = PathOf(request);
  out->set_method(request.method);
  out->set_url(UrlOf(request, handler));
  out->set_path(std::string(path));
  if (path.size() < target.size()) out->set_query(std::string(target.substr(path.size() + 1)));
  for (const auto& [name, value] : request.headers) {
    proto::RawHeader& header = *out->add_headers();
    header.set_name(name);
    header.set_value(value);
  }
  for (const auto& [name, value] : match.vars) {
    proto::Header& variable = *out->add_route_vars();
    variable.set_name(name);
    variable.set_value(value);
  }
}

std::string TakeBody(http::Request* request) {
  if (request->method == "GET") return "";
  return std::move(request->body);
}

}  // namespace nightjar
