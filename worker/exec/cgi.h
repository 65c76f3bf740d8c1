// What a request is to a program, and what a program's output is as an answer: CGI (RFC 3875), as
// far as it makes sense without a web server's file tree. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ipc/core/result.h"
#include "ipc/proto/worker.pb.h"

namespace nightjar {

// "NAME=value" each: the meta-variables of the request, its headers as HTTP_NAME (but for Proxy,
// which some programs take for their own setting), the route's variables as ROUTE_NAME, and a
// small, fixed PATH, HOME, TMPDIR and LANG.
std::vector<std::string> EnvironmentOf(const proto::HttpRequest& request, size_t body_bytes);

struct CgiAnswer {
  uint32_t status = 200;
  std::vector<proto::Header> headers;
  std::string body;
};

// Output that begins with header lines and an empty line, with Content-Type, Location or Status
// among them, is an answer with that header; everything else is a body, as text where it is UTF-8.
// An Error says what is wrong with a header that was meant as one.
Result<CgiAnswer> ReadCgiAnswer(std::string output);

}  // namespace nightjar
