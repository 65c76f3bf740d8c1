// What the front door answers: by itself where no handler is to run, and with what a run gave.
//
// Browsers ask whether a page of another origin may read an answer (CORS): a canvas says in its
// file which origins may; where it says nothing everybody may. What a handler says for itself
// always wins. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/proto/worker.pb.h"
#include "supervisor/http/server.h"
#include "supervisor/route/router.h"

namespace nightjar {

http::Response NoCanvasAnswer();

// The answer to a request that `match` found no single handler for. Nothing: it found one.
std::optional<http::Response> UnroutedAnswer(const http::Request& request, const RouteMatch& match,
                                             const proto::Manifest& manifest);

// What Access-Control-Allow-Origin says to this request; nothing: it is left out.
std::optional<std::string> AllowedOrigin(const http::Request& request,
                                         const proto::Manifest& manifest);

// A run's answer: `origin` is what the request was allowed when it came.
http::Response RunAnswer(unsigned status, std::vector<proto::Header> headers, std::string body,
                         const std::optional<std::string>& origin);

}  // namespace nightjar
