// Is this `nightjar serve`? Then what nightjard is to be started with. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace nightjar::cli {

// nullopt for every other command. `serve` may stand after `--state DIR`; all but the word itself
// is passed on as it is, so that nightjard alone knows its options.
std::optional<std::vector<std::string>> ServeArguments(int argc, const char* const* argv);

}  // namespace nightjar::cli
