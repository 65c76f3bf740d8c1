// Reads a `.test` file of the suite's httphandler: a canvas, one raw request, one raw response.
//
// Sections are `[http-handler METHOD ROUTE]` and `[http-bytes-handler METHOD ROUTE]` with code
// below,
// `[cors ORIGINS]`, `[secrets NAME:VALUE]`, `[custom-domain HOST]`, `[canvas-name NAME]`, then
// `[request]` and `[response]`, whose header lines end in LF and are sent with CRLF. In both, HOST
// and CANVAS stand for the canvas's host and name, LENGTH for the size of the body, <SPACE> for a
// space, and <IMPORT_DATA_FROM_FILE=NAME> for a file of the suite. Pure, but for those files.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ipc/core/result.h"

namespace nightjar::conformance {

struct HttpHandler {
  std::string header;  // "http-handler GET /path"
  uint32_t line = 0;
  std::string code;
};

struct RawResponse {
  std::string status_line;                                   // "HTTP/1.1 200 OK"
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::string body;
  // The body names its canvas or host: their length is not what it was where the file was written.
  bool body_names_host = false;
};

struct HttpCase {
  std::string canvas;
  std::string custom_domain;  // or ""
  std::vector<HttpHandler> handlers;
  std::vector<std::string> cors;  // headers: "cors *"
  std::vector<std::pair<std::string, std::string>> secrets;
  std::string request;  // as it is sent
  RawResponse response;
};

// A file that is imported, by its name.
using ReadImport = std::function<Result<std::string>(const std::string& name)>;

// `canvas` is the canvas's name where the file says none.
Result<HttpCase> ReadHttpFile(std::string_view text, const std::string& canvas,
                              const ReadImport& import);

// "HTTP/1.1 200 OK", lines and body taken apart. kProtocol: it is no response.
Result<RawResponse> ParseRawResponse(std::string_view bytes);

}  // namespace nightjar::conformance
