// A toplevel as it stands in the text of a canvas: what the tree of a program does not say, and a
// printer needs. The parser fills it; internal to worker/lang.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "worker/lang/expression_parser.h"

namespace nightjar::lang {

// Views of the source, which has to outlive it.
struct SourceToplevel {
  std::string_view header;        // between the brackets
  std::string_view after_header;  // on its line
  std::string_view body;          // the lines up to the next header
  // Of the body; empty where it has no code by its kind.
  std::vector<Token> tokens;
  std::vector<Comment> comments;
  Spans spans;
  std::optional<proto::Expr> code;  // none: nothing is written yet
};

// Whether a line begins a toplevel.
bool StartsHeader(std::string_view line);

}  // namespace nightjar::lang
