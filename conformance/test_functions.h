// The functions of the module Test: what classic Dark's suite has beside the library, to make fake
// values, count side effects and look into responses.
//
// They exist in the runner alone: no canvas can call them. Single thread.
#pragma once

#include <cstdint>
#include <optional>

#include "worker/stdlib/library.h"

namespace nightjar::conformance {

// What the functions of one case have done.
struct TestState {
  int64_t side_effects = 0;
  std::optional<uint32_t> exceptions_expected;  // when the case itself has said so
};
// Of the case that runs now.
TestState& CurrentTestState();

void AddTestFunctions(lang::Tables& tables);

// The library and these, made at the first call.
const lang::Library& TestLibrary();

}  // namespace nightjar::conformance
