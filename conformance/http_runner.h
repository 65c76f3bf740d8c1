// Runs the cases of httphandler files against the server, the router, the front door and the engine
// that serve canvases, in this process.
//
// Requests go over a loopback connection to an http::Server. What is not here is what stands
// between front door and engine: admission, pool and processes. One at a time; one thread.
#pragma once

#include <memory>

#include "conformance/case_result.h"
#include "conformance/http_file.h"

namespace nightjar::conformance {

class HttpRunner {
 public:
  // Fails where there is no loopback address to listen on.
  static Result<std::unique_ptr<HttpRunner>> Create();
  ~HttpRunner();

  CaseResult Run(const HttpCase& one);

 private:
  class Impl;
  explicit HttpRunner(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace nightjar::conformance
