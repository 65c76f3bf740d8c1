// Reads a `.tests` file of classic Dark's suite: groups of one-line tests, blocks, and the
// functions and datastores that they use.
//
// Nothing is evaluated, and expressions are not parsed here: a line that makes no sense to the
// language is its case's failure, not the file's. What is no such file at all is kInvalid with the
// line. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/core/result.h"

namespace nightjar::conformance {

// A line under [tests.GROUP], or the whole of a [test.NAME] block.
struct ExpressionCase {
  std::string group;
  std::string name;  // the comment behind a line, the name of a block; may be empty
  uint32_t line = 0;
  std::string code;
  uint32_t exceptions = 0;  // how many of the library's own faults it is expected to meet
  // What the group or block has at hand: "with DB X", "with Worker W".
  std::vector<std::string> datastores;
  std::vector<std::string> workers;
};

// [fn.HEADER], [packagefn.HEADER] or [db.HEADER] and what follows it.
struct Definition {
  std::string header;  // "name a:Int b:Any", "X { "x": "Str" }"
  std::string name;
  uint32_t line = 0;
  std::string body;
};

struct ExpressionFile {
  std::vector<ExpressionCase> cases;
  std::vector<Definition> functions;
  std::vector<Definition> package_functions;
  std::vector<Definition> datastores;
};

Result<ExpressionFile> ReadExpressionFile(std::string_view text);

}  // namespace nightjar::conformance
