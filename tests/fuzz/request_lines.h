// A request out of a fuzzer's text: header lines up to an empty one; a line without a colon is the
// query.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "ipc/proto/worker.pb.h"

namespace nightjar::fuzz {

// Takes the lines off the front of `text`; what is left is the body.
inline proto::HttpRequest TakeRequestLines(std::string_view& text) {
  proto::HttpRequest http;
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (line.empty()) break;
    size_t colon = line.find(':');
    if (colon == std::string_view::npos) {
      http.set_query(std::string(line));
      continue;
    }
    proto::RawHeader& header = *http.add_headers();
    header.set_name(std::string(line.substr(0, colon)));
    header.set_value(std::string(line.substr(colon + 1)));
  }
  return http;
}

}  // namespace nightjar::fuzz
