#include "policies/toml_messages.h"

#include <string>

#include "policies/policy_errors.h"

namespace nightjar::policy {
namespace {

constexpr std::string_view kPrefix = "Error while parsing ";

struct Known {
  std::string_view doing;  // both are parts of the description
  std::string_view what;
  std::string_view sentence;
};

// The first that fits.
constexpr Known kKnown[] = {
    {"integer", "not representable", "this number is too large"},
    {"floating-point", "could not be interpreted", "this number is too large"},
    {"", "invalid utf-8", "this is not UTF-8 text"},
    {"array", "end-of-file", "the file ends inside of an array: its `]` is missing"},
    {"string", "end-of-file", "the file ends inside of a string: its closing quote is missing"},
    {"", "end-of-file", "the file ends in the middle of a line"},
    {"string", "control characters",
     "a string ends on the line that it begins on: its closing quote is missing"},
    {"integer", "expected digit",
     "this is no number; what has a unit is written in quotes, as in \"2s\""},
    {"floating-point", "expected digit",
     "this is no number; what has a unit is written in quotes, as in \"1.5s\""},
    {"key-value pair", "expected value", "a value is missing after the `=`"},
    {"key-value pair", "expected '='", "a `=` is missing between a key and its value"},
    {"table header", "expected ']'", "the section's `]` is missing"},
    {"boolean", "expected", "it is `true` or `false`, in lower case and without quotes"},
    {"", "expected a comment or whitespace",
     "a line has one setting, and something follows its value"},
};

bool Has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

std::string_view LineAt(std::string_view text, uint32_t line) {
  size_t begin = 0;
  for (; line > 1; --line) {
    size_t end = text.find('\n', begin);
    if (end == std::string_view::npos) return {};
    begin = end + 1;
  }
  return text.substr(begin, text.find('\n', begin) - begin);
}

// What a line defines: "[canvas.a]", "wall".
std::string_view Defined(std::string_view line) {
  size_t end = line.starts_with('[') ? line.rfind(']') + 1 : line.find_first_of(" \t=");
  return line.substr(0, end);
}

PolicyError Twice(std::string_view text, uint32_t line_number) {
  std::string_view line = LineAt(text, line_number);
  size_t begin = line.find_first_not_of(" \t");
  if (begin == std::string_view::npos) begin = 0;
  line.remove_prefix(begin);
  return {line_number, static_cast<uint32_t>(begin) + 1,
          Quoted(Defined(line)) + " stands above already: what is said twice would hold once"};
}

}  // namespace

PolicyError TomlComplaint(std::string_view text, Place at, std::string_view description) {
  if (Has(description, "cannot redefine")) return Twice(text, at.line);
  for (const Known& known : kKnown)
    if (Has(description, known.doing) && Has(description, known.what))
      return {at.line, at.column, std::string(known.sentence)};
  if (description.starts_with(kPrefix)) description.remove_prefix(kPrefix.size());
  return {at.line, at.column, "this is not TOML: " + std::string(description)};
}

}  // namespace nightjar::policy
