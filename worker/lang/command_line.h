// The command below an exec handler's header: a program and its arguments, as words.
//
// Words are apart by spaces and line ends; '..' and ".." hold spaces, and a backslash outside of
// '..' takes the next character as it is. Lines that begin with //, indented or not, are comments.
// Nothing else of a shell is here: no variables, patterns, pipes. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "worker/lang/lexer.h"

namespace nightjar::lang {

struct CommandLine {
  std::vector<std::string> words;  // the program first; empty with an error
  size_t end = 0;                  // of the last word, in bytes; behind it are comments at most
  std::optional<LexError> error;
};

// The first line of `text` counts as `first_line`.
CommandLine ReadCommandLine(std::string_view text, uint32_t first_line);

}  // namespace nightjar::lang
