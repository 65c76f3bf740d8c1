#include "supervisor/front/answers.h"

#include <algorithm>
#include <array>

#include "ipc/core/ascii.h"
#include "supervisor/front/http_message.h"

namespace nightjar {
namespace {

constexpr const char* kAllowOrigin = "Access-Control-Allow-Origin";

// Where people develop their pages: allowed, by name, as long as a canvas says nothing itself.
constexpr std::array<std::string_view, 3> kDevelopers = {
    "http://localhost:3000", "http://localhost:5000", "http://localhost:8000"};

http::Response Plain(unsigned status, std::string text) {
  http::Response response;
  response.status = status;
  response.headers.emplace_back("Content-Type", "text/plain; charset=utf-8");
  response.headers.emplace_back(kAllowOrigin, "*");
  response.body = std::move(text);
  return response;
}

// A browser that asks before it sends a request across origins.
http::Response PreflightAnswer(const http::Request& request, const proto::Manifest& manifest) {
  http::Response response;
  std::optional<std::string> origin = AllowedOrigin(request, manifest);
  if (!origin) return response;
  std::string_view wanted = HeaderOf(request, "access-control-request-headers");
  response.headers.emplace_back("Access-Control-Allow-Headers",
                                wanted.empty() ? "*" : std::string(wanted));
  response.headers.emplace_back(kAllowOrigin, *origin);
  response.headers.emplace_back("Access-Control-Allow-Methods",
                                "GET,PUT,POST,DELETE,PATCH,HEAD,OPTIONS");
  return response;
}

}  // namespace

http::Response NoCanvasAnswer() {
  return Plain(404, "canvas not found");
}

std::optional<http::Response> UnroutedAnswer(const http::Request& request, const RouteMatch& match,
                                             const proto::Manifest& manifest) {
  if (match.kind == RouteMatch::Kind::kFound) return std::nullopt;
  if (match.kind == RouteMatch::Kind::kAmbiguous)
    return Plain(500, "500 Internal Server Error: More than one handler for route: " +
                          std::string(PathOf(request)));
  if (request.method == "OPTIONS") return PreflightAnswer(request, manifest);
  return Plain(404, "404 Not Found: No route matches");
}

std::optional<std::string> AllowedOrigin(const http::Request& request,
                                         const proto::Manifest& manifest) {
  std::string_view origin = HeaderOf(request, "origin");
  if (!manifest.has_cors()) {
    bool developer = std::find(kDevelopers.begin(), kDevelopers.end(), origin) != kDevelopers.end();
    return developer ? std::string(origin) : "*";
  }
  const auto& allowed = manifest.cors().origins();
  // A star is told even to those who did not ask: whoever looks into a browser sees it.
  if (std::find(allowed.begin(), allowed.end(), "*") != allowed.end()) return "*";
  if (origin.empty()) return std::nullopt;
  if (std::find(allowed.begin(), allowed.end(), origin) != allowed.end())
    return std::string(origin);
  return "null";
}

http::Response RunAnswer(unsigned status, std::vector<proto::Header> headers, std::string body,
                         const std::optional<std::string>& origin) {
  http::Response response;
  response.status = status;
  bool said = false;
  for (proto::Header& header : headers) {
    said |= EqualsNoCase(header.name(), kAllowOrigin);
    response.headers.emplace_back(std::move(*header.mutable_name()),
                                  std::move(*header.mutable_value()));
  }
  if (origin && !said) response.headers.emplace_back(kAllowOrigin, *origin);
  response.body = std::move(body);
  return response;
}

}  // namespace nightjar
