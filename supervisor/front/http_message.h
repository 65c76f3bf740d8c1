// A request as it goes to a worker. Pure; any thread.
#pragma once

#include <string>

#include "ipc/proto/worker.pb.h"
#include "supervisor/http/server.h"
#include "supervisor/route/router.h"

namespace nightjar {

// The value of a header, whatever the case of its name; "" when it is not there.
std::string_view HeaderOf(const http::Request& request, std::string_view name);

// The target without its query.
std::string_view PathOf(const http::Request& request);

// The URL that the client asked for. A proxy in front that ends TLS says so in X-Forwarded-Proto:
// "https" makes it an https URL without port; another scheme is taken over by handlers that do not
// work on bytes.
std::string UrlOf(const http::Request& request, const proto::HandlerEntry& handler);

// Everything but the body.
void FillHttp(const http::Request& request, const RouteMatch& match,
              const proto::HandlerEntry& handler, proto::HttpRequest* out);

// The body that a handler gets: a GET has none, whatever was sent with it.
std::string TakeBody(http::Request* request);

}  // namespace nightjar
