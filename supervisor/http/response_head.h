// Writes the lines of an answer that come before its body.
//
// A handler's headers come from strangers' programs: one whose name is no token or whose value
// could end its line is left out, as are those that are the server's to write. Pure; any thread.
#pragma once

#include <string>

#include "ipc/core/clock.h"
#include "supervisor/http/server.h"

namespace nightjar::http {

struct HeadFraming {
  enum class Connection { kUnsaid, kKeepAlive, kClose };
  Connection connection = Connection::kUnsaid;
  bool head_request = false;  // then there is no body, but its length is told
  enum class Length { kOfBody, kChunked, kUntilClose };
  Length length = Length::kOfBody;
};

// "Sun, 06 Nov 1994 08:49:37 GMT", made once a second.
class DateText {
 public:
  const std::string& At(WallTime now);

 private:
  int64_t second_ = -1;
  std::string text_;
};

// Appends to `out`. Returns whether the body is to follow it.
bool AppendHead(const Response& response, const HeadFraming& framing, const std::string& date,
                std::string& out);

// "Not Found"; empty for a status without a name.
const char* ReasonPhrase(unsigned status);

}  // namespace nightjar::http
