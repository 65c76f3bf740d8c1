// What a fuzz target holds to be true of every input: else it ends, which the fuzzer reports with
// the input.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace nightjar::fuzz {

inline void Must(bool holds, const char* what) {
  if (holds) return;
  fprintf(stderr, "does not hold: %s\n", what);
  abort();
}

}  // namespace nightjar::fuzz
