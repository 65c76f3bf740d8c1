// Any bytes as a canvas file: no crash, a bounded number of diagnostics, each with its place; and
// what is a program is printed as the same program, once and for all.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "ipc/core/bounds.h"
#include "tests/fuzz/must.h"
#include "worker/lang/parser.h"
#include "worker/lang/source_printer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace nightjar;
  using fuzz::Must;
  std::string_view source(reinterpret_cast<const char*>(data), size);
  lang::ParseResult parsed = lang::ParseCanvas(source);
  Must(parsed.errors.size() <= bounds::kDiagnostics, "diagnostics are bounded");
  for (const proto::Diagnostic& error : parsed.errors)
    Must(error.line() > 0 && error.column() > 0 && !error.message().empty(),
         "a diagnostic has a place and a message");
  if (!parsed.errors.empty()) return 0;
  lang::FormatResult once = lang::FormatCanvas(source);
  if (!once.errors.empty()) {
    // Parentheses may lift what is nested as deep as can be above the bound.
    Must(once.errors[0].message().find("nested deeper") != std::string::npos,
         "a program can be printed");
    return 0;
  }
  lang::FormatResult twice = lang::FormatCanvas(once.text);
  Must(twice.errors.empty() && twice.text == once.text, "what is printed is printed the same");
  return 0;
}
