// Runs files of classic Dark's conformance suite: finds them, and runs what is in them.
//
// `.tests` files hold expressions, `.test` files below a folder `httphandler` hold requests with
// handlers. `.test` files elsewhere speak to the internet: they are skipped, and counted. One
// thread.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "conformance/report.h"
#include "ipc/core/result.h"

namespace nightjar::conformance {

struct SuiteOptions {
  std::string suite = {};  // its folder; may be empty when `paths` need none
  // Files and folders, here or in the suite; empty: the whole suite.
  std::vector<std::string> paths = {};
  std::string only = {};  // cases whose file, line, name or text holds this
  bool list = false;      // say which cases there are, and run none
};

// What fails in here is about files; what fails in a case is in the counts.
Result<Counts> RunSuite(const SuiteOptions& options, std::ostream& out);

}  // namespace nightjar::conformance
