// What this machine has, for judging a policy by it.
#pragma once

#include "policies/contradictions.h"

namespace nightjar {

policy::Machine ThisMachine();

}  // namespace nightjar
