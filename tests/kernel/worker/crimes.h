// What a worker must not be able to do, by name: each is one attempt from inside the walls.
#pragma once

#include <string>
#include <vector>

namespace nightjar::testing {

struct Crime {
  std::string name;
  std::string told;  // how its call is told; empty: the kernel kills for it, and it cannot be told
};

// Every attempt that the system call filter denies.
std::vector<Crime> DeniedCrimes();

// Commits it and says what came of it, if anything can still say something.
std::string Commit(const std::string& crime);

}  // namespace nightjar::testing
