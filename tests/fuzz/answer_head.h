// An answer's head as it goes to a client: whatever a worker put into it, it is one head.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ipc/core/ascii.h"
#include "supervisor/front/answers.h"
#include "supervisor/http/response_head.h"
#include "tests/fuzz/must.h"

namespace nightjar::fuzz {

inline void MustBeOneHead(unsigned status, std::vector<proto::Header> headers, std::string body) {
  size_t body_bytes = body.size();
  http::Response response = RunAnswer(status, std::move(headers), std::move(body), "*");
  std::string head;
  http::AppendHead(response, {}, "today", head);
  Must(head.starts_with("HTTP/1.1 "), "a head begins with its status");
  Must(head.find("\r\n\r\n") == head.size() - 4, "a head has one end");
  size_t lengths = 0;
  for (std::string_view rest = head; !rest.empty();) {
    size_t end = rest.find("\r\n");
    std::string_view line = rest.substr(0, end);
    Must(line.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos,
         "a line is a line");
    std::string_view name = line.substr(0, line.find(':'));
    if (EqualsNoCase(name, "content-length")) {
      ++lengths;
      Must(line == "Content-Length: " + std::to_string(body_bytes), "the body's own length");
    }
    Must(!EqualsNoCase(name, "transfer-encoding"), "how it ends is the server's to say");
    rest.remove_prefix(end + 2);
  }
  Must(lengths == (status == 204 || status == 304 ? 0u : 1u), "one length");
}

}  // namespace nightjar::fuzz
