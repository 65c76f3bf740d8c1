// How `nightjar` ends, for scripts.
#pragma once

namespace nightjar::cli {

enum ExitCode : int {
  kOk = 0,
  kNo = 1,     // it was done and the answer is no: a file that does not compile, a run that was
               // killed, an id that is none
  kUsage = 2,  // the command line makes no sense
  kUnreachable = 3,  // the supervisor did not answer
};

}  // namespace nightjar::cli
