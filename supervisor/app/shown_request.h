// A request as traces, incidents, the feed and the 404s show it: without what policy leaves out.
// Pure.
#pragma once

#include <string>

#include "ipc/proto/worker.pb.h"
#include "ipc/redact/request_redactor.h"
#include "supervisor/http/server.h"
#include "supervisor/route/router.h"

namespace nightjar {

// "GET /users/7?token=<redacted>". `redaction` makes what policy says, and is called where there is
// something to leave out of.
template <typename Redaction>
std::string ShownLine(const http::Request& request, const RouteMatch& match, Redaction redaction) {
  constexpr size_t kTargetBytes = 200;
  auto shown = [&](const std::string& target) {
    return request.method + " " + target.substr(0, kTargetBytes);
  };
  if (match.vars.empty() && request.target.find('?') == std::string::npos)
    return shown(request.target);
  RequestRedactor redactor{RedactionRules(redaction())};
  for (const auto& [name, value] : match.vars) redactor.AddRouteVariable(name, value);
  return shown(redactor.Url(request.target));
}

// All of one that no route took, with its body.
proto::HttpRequest ShownHttp(const http::Request& request, RequestRedactor& redactor);

}  // namespace nightjar
