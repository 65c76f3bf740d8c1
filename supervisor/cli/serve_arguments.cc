#include "supervisor/cli/serve_arguments.h"

#include <string_view>

namespace nightjar::cli {

std::optional<std::vector<std::string>> ServeArguments(int argc, const char* const* argv) {
  std::vector<std::string> arguments;
  for (int i = 1; i < argc; ++i) {
    std::string_view word = argv[i];
    if (word == "serve") {
      arguments.insert(arguments.end(), argv + i + 1, argv + argc);
      return arguments;
    }
    if (!word.starts_with("-")) return std::nullopt;
    arguments.emplace_back(word);
    if (word == "--state" && i + 1 < argc) arguments.emplace_back(argv[++i]);
  }
  return std::nullopt;
}

}  // namespace nightjar::cli
