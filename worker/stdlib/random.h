// Randomness for programs, from the kernel. Not repeatable; fit for secrets.
#pragma once

#include <cstdint>
#include <string>

namespace nightjar::lang {

// From `low` to `high`, both included, each as likely.
int64_t RandomBetween(int64_t low, int64_t high);
// Letters and digits.
std::string RandomText(size_t length);

}  // namespace nightjar::lang
