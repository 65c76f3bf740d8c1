// Canvas text to a program: toplevel headers, expressions, layout. Pure; linear but for the depth
// of nesting, which is bounded.
//
// The notation is that of classic Dark's own test files: an F# subset. What is wrong is said with
// position and what was expected, at most bounds::kDiagnostics times; each toplevel is parsed even
// when another is broken.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/proto/program.pb.h"
#include "ipc/proto/worker.pb.h"

namespace nightjar::lang {

inline constexpr uint32_t kProgramFormat = 1;
inline constexpr int kNestingMax = 500;  // of expressions in each other
inline constexpr int kPatternNestingMax = 100;

struct Place {
  uint64_t expr_id;
  uint32_t line;
  uint32_t column;
};

struct ParseResult {
  proto::Program program;
  proto::Manifest manifest;
  std::vector<proto::Diagnostic> errors;    // the program means nothing when there is one
  std::vector<proto::Diagnostic> warnings;  // of headers; lowering warns of expressions
  std::vector<Place> places;                // of expressions, in the order of their ids

  // A diagnostic without a message, at an expression of this source.
  proto::Diagnostic At(uint64_t expr_id, std::string_view source) const;
};

ParseResult ParseCanvas(std::string_view source);
// With the files beside it: a program that is neither one of them nor named by its whole path is an
// error.
using CanvasFiles = google::protobuf::RepeatedPtrField<proto::CanvasFile>;
ParseResult ParseCanvas(std::string_view source, const CanvasFiles& files);

struct SourceToplevel;
// The same, and what stands where: for whoever writes the text again. `toplevels` views `source`.
ParseResult ParseCanvas(std::string_view source, std::vector<SourceToplevel>* toplevels);

// Whose reading of a text is meant. The tests of classic Dark were read by a parser that took `f x
// |> g` for `f |> x |> g`, and let closing parentheses and a quote pass at the end that nothing
// opened; canvases are read as they are written.
enum class Notation { kCanvas, kDarkTests };

// One expression alone, as a line of a test has it.
struct ParsedExpression {
  std::optional<proto::Expr> expr;  // none: the errors say why
  // The operator at its root as it is written, such as "=" or "|>"; "" when there is none.
  std::string root;
  std::vector<proto::Diagnostic> errors;
};
// Ids count up from `first_id`, lines from `first_line`.
ParsedExpression ParseExpression(std::string_view text, uint64_t first_id, uint32_t first_line,
                                 Notation notation);

// Line and column count from 1, in code points.
proto::Diagnostic DiagnosticAt(uint32_t line, uint32_t column, const std::string& message);

}  // namespace nightjar::lang
