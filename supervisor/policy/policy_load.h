// When the policy that is in force was taken. A value.
#pragma once

#include <cstdint>

namespace nightjar {

struct PolicyLoad {
  uint64_t number = 1;  // of those that this supervisor took, its first one included
  int64_t unix_us = 0;
};

}  // namespace nightjar
