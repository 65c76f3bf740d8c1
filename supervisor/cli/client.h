// One question to the supervisor, over HTTP on its control socket, and the answer as it came.
// Blocking; one thread.
//
// It knows sockets and HTTP and nothing of what is asked: that is Session's. An Error here means
// that there was no answer; what the supervisor refuses comes back as an Answer with its status.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "ipc/core/clock.h"
#include "ipc/core/result.h"

namespace nightjar::cli {

struct Answer {
  long status = 0;
  std::string body;  // at most bounds::kCliAnswerBytes
};

class ControlClient {
 public:
  // `waiting` is called about ten times a second while an answer is awaited, with the time since
  // the question.
  static Result<std::unique_ptr<ControlClient>> Create(const std::string& socket_path,
                                                       std::function<void(Nanos)> waiting);
  virtual ~ControlClient() = default;

  // `target` is a path with its query, encoded. kUnavailable: nobody listens, or not for us; the
  // context says what to do.
  virtual Result<Answer> Ask(std::string_view method, const std::string& target,
                             std::string_view body = {}) = 0;

  // What lies at `target`, of the media type that is named: where the supervisor says that it lies
  // elsewhere, from there.
  virtual Result<Answer> Fetch(const std::string& target, const std::string& type) = 0;

  // The same, of its bytes from `first` on, at most `count`.
  struct Part {
    Answer answer;      // 206, or what was said instead
    uint64_t size = 0;  // of the whole
  };
  virtual Result<Part> FetchPart(const std::string& target, const std::string& type, uint64_t first,
                                 uint64_t count) = 0;

  // An answer without an end: what comes of it goes to `take` as it comes, until that returns
  // false, which is no error. The body of an answer that is not 200 comes back whole instead.
  // `after`: the id of the last event that was seen, or empty.
  virtual Result<Answer> Follow(const std::string& target, const std::string& after,
                                std::function<bool(std::string_view)> take) = 0;
};

// A text as one part of a path or as a query's value: "GET /x" becomes "GET%20%2Fx".
std::string EncodePart(std::string_view text);

}  // namespace nightjar::cli
