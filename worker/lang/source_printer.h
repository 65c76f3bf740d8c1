// A canvas file in its canonical notation: the same program, its comments, and one layout of it.
//
// `nightjar-worker --format` calls it, on its owner's own text. What is written is read again
// before it is given out: a text that would not be the same program, or lack a comment, is an error
// instead. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ipc/proto/program.pb.h"
#include "ipc/proto/worker.pb.h"

namespace nightjar::lang {

inline constexpr size_t kCanonicalColumns = 100;

struct FormatResult {
  std::string text;
  std::vector<proto::Diagnostic> errors;  // there is no text when there is one
};

FormatResult FormatCanvas(std::string_view source);

// Whether two programs are the same but for the ids of their expressions.
bool SameProgram(const proto::Program& a, const proto::Program& b);

}  // namespace nightjar::lang
