// What a worker must not be able to do, by name: each is one attempt from inside the walls.
#pragma once

#include <string>
#include <vector>

namespace nightjar::testing {

// Every attempt that the system call filter answers with the end of the process.
std::vector<std::string> DeniedCrimes();

// Commits it and says what came of it, if anything can still say something.
std::string Commit(const std::string& crime);

}  // namespace nightjar::testing
