// Canvas text to a program: toplevel headers, expressions, layout. Pure; linear but for the depth
// of nesting, which is bounded.
//
// The notation is that of classic Dark's own test files: an F# subset. What is wrong is said with
// position and what was expected, at most bounds::kDiagnostics times; each toplevel is parsed even
// when another is broken.
#pragma once

#include <string_view>
#include <vector>

#include "ipc/proto/program.pb.h"
#include "ipc/proto/worker.pb.h"

namespace nightjar::lang {

inline constexpr uint32_t kProgramFormat = 1;
inline constexpr int kNestingMax = 500;  // of expressions in each other
inline constexpr int kPatternNestingMax = 100;

struct ParseResult {
  proto::Program program;
  proto::Manifest manifest;
  std::vector<proto::Diagnostic> errors;  // the program means nothing when there is one
};

ParseResult ParseCanvas(std::string_view source);

}  // namespace nightjar::lang
