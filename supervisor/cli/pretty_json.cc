#include "supervisor/cli/pretty_json.h"

#include <algorithm>

namespace nightjar::cli {
namespace {

// Deeper nesting is laid out no further to the right: a hostile depth must not make quadratic
// space.
constexpr size_t kDeepestIndent = 64;

bool IsSpace(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

// The end of the string literal that starts at `at`.
size_t StringEnd(std::string_view json, size_t at) {
  for (++at; at < json.size(); ++at) {
    if (json[at] == '\\')
      ++at;
    else if (json[at] == '"')
      return at + 1;
  }
  return json.size();
}

size_t SkipSpace(std::string_view json, size_t at) {
  while (at < json.size() && IsSpace(json[at])) ++at;
  return at;
}

}  // namespace

std::string PrettyJson(std::string_view json) {
  std::string text;
  size_t depth = 0;
  auto new_line = [&] { text += "\n" + std::string(2 * std::min(depth, kDeepestIndent), ' '); };
  for (size_t at = SkipSpace(json, 0); at < json.size(); at = SkipSpace(json, at)) {
    char c = json[at];
    if (c == '"') {
      size_t end = StringEnd(json, at);
      text += json.substr(at, end - at);
      at = end;
      continue;
    }
    size_t next = SkipSpace(json, ++at);
    bool empty =
        next < json.size() && ((c == '{' && json[next] == '}') || (c == '[' && json[next] == ']'));
    if (empty) {
      text += c;
      text += json[next];
      at = next + 1;
    } else if (c == '{' || c == '[') {
      text += c;
      ++depth;
      new_line();
    } else if (c == '}' || c == ']') {
      if (depth > 0) --depth;
      new_line();
      text += c;
    } else if (c == ',') {
      text += c;
      new_line();
    } else if (c == ':') {
      text += ": ";
    } else {
      text += c;
    }
  }
  return text + "\n";
}

}  // namespace nightjar::cli
