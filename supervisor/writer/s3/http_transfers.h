// HTTP requests out of this process: libcurl on a Loop.
//
// It sends what it is told and hands back what came. It knows nothing of S3, signs nothing, tries
// nothing twice and follows no redirect. Each transfer is bounded in time (to connect, without a
// byte, as a whole) and in what it may answer. No proxy, no cookies, HTTP/1.1, http and https
// alone. Loop thread only.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "ipc/core/bounds.h"
#include "ipc/core/clock.h"
#include "ipc/core/result.h"
#include "supervisor/loop/loop.h"

namespace nightjar::s3 {

struct HttpCall {
  std::string method;
  std::string url;                   // encoded; sent as it is
  std::vector<std::string> headers;  // "name: value"
  std::shared_ptr<const std::string> body;
  size_t answer_bytes_max = bounds::kStoreAnswerBytes;  // of a 2xx; beyond: kProtocol
  Nanos time = bounds::kStoreCallTime;
};

struct HttpAnswer {
  long status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
};

class HttpTransfers {
 public:
  struct Options {
    Nanos connect_time = bounds::kStoreConnectTime;
    Nanos stalled_time = bounds::kStoreStalledTime;
    std::string ca_file;  // empty: the host's certificates
  };
  // `loop` outlives this.
  HttpTransfers(Loop& loop, Options options);
  // Transfers under way end without a word.
  ~HttpTransfers();

  // kUnavailable: no connection, or it ended too early. kTimedOut. kPermission: the other side's
  // certificate is not to be trusted. kProtocol: what came is not HTTP, or too much.
  using Done = std::function<void(Result<HttpAnswer>)>;
  // `done` once, in a later turn of the loop.
  void Start(HttpCall call, Done done);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nightjar::s3
