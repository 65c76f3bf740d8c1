// Whether a value is the one that a test expects.
//
// As `==` of the language, but for what tests cannot write down: floats may differ in their last
// digits, and NaN is the same as NaN. Pure.
#pragma once

#include "worker/lang/value.h"

namespace nightjar::conformance {

bool SameValue(const lang::Dval& a, const lang::Dval& b);

}  // namespace nightjar::conformance
