#include "worker/lang/literal_text.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "worker/lang/function_name.h"
#include "worker/lang/numbers.h"
#include "worker/lang/source_toplevel.h"
#include "worker/lang/words.h"

namespace nightjar::lang {
namespace {

// Words that stand for something else than a name where an expression is read, beside the reserved
// ones, which are not even the name of a field.
constexpr std::array<std::string_view, 16> kKeywords = {
    "let",     "if",           "match",       "fun",  "true", "false",   "null", "blank",
    "partial", "rightPartial", "leftPartial", "flag", "Just", "Nothing", "Ok",   "Error"};

// Of the operators that stand in parentheses as functions; `=` and `<>` would be read as others.
constexpr std::array<std::string_view, 17> kOperators = {
    "|>", "->", "<=", ">=", "==", "!=", "++", "&&", "||", "+", "-", "*", "/", "%", "^", "<", ">"};

template <size_t kCount>
bool IsOneOf(std::string_view name, const std::array<std::string_view, kCount>& names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool IsKeyword(std::string_view word) {
  return IsReserved(word) || IsOneOf(word, kKeywords);
}

std::string InBackticks(const std::string& name) {
  return "``" + name + "``";
}

std::string Escaped(std::string_view content, char quote) {
  std::string text(1, quote);
  for (char c : content) {
    if (c == quote || c == '\\') {
      text += '\\';
      text += c;
    } else if (c == '\n') {
      text += "\\n";
    } else if (c == '\t') {
      text += "\\t";
    } else if (c == '\r') {
      text += "\\r";
    } else if ((c >= 0 && c < 0x20) || c == 0x7f) {
      char code[8];
      snprintf(code, sizeof code, "\\u%04x", static_cast<unsigned>(c));
      text += code;
    } else {
      text += c;
    }
  }
  return text + quote;
}

}  // namespace

std::string StringLiteral(std::string_view content) {
  return Escaped(content, '"');
}

std::string CharacterLiteral(std::string_view content) {
  return Escaped(content, '\'');
}

std::string FloatLiteral(double value) {
  // Only a literal that is too large gives an infinity.
  if (std::isinf(value)) return value > 0 ? "1e999" : "-1e999";
  return JsonFloat(value);
}

std::string LinesLiteral(std::string_view content) {
  if (content.find('\n') == std::string_view::npos || content.ends_with('"') ||
      content.find("\"\"\"") != std::string_view::npos)
    return "";
  for (char c : content)
    if ((c >= 0 && c < 0x20 && c != '\n' && c != '\t') || c == 0x7f) return "";
  for (size_t at = 0; at != std::string_view::npos; at = content.find('\n', at + 1))
    if (StartsHeader(content.substr(at > 0 ? at + 1 : 0))) return "";
  return "\"\"\"" + std::string(content) + "\"\"\"";
}

std::string NameText(const std::string& name) {
  if (name.empty()) return "___";
  bool plain = IsWord(name) && !IsKeyword(name) && name != "___";
  return plain ? name : InBackticks(name);
}

std::string FieldText(const std::string& name) {
  if (name.empty()) return "___";
  return IsWord(name) && !IsReserved(name) ? name : InBackticks(name);
}

std::string RecordFieldText(const std::string& name) {
  // Only as a text can it be these.
  if (name == "___" || name.find('`') != std::string::npos) return StringLiteral(name);
  for (char c : name)
    if ((c >= 0 && c < 0x20) || c == 0x7f) return StringLiteral(name);
  return FieldText(name);
}

std::string ConstructorText(const std::string& name) {
  return IsWord(name) ? name : InBackticks(name);
}

std::string FunctionText(const proto::FnCall& call) {
  const std::string& name = call.name();
  bool plain = call.version() == 0 && !call.rail();
  std::string before = call.module().empty() ? "" : call.module() + ".";
  if (plain && IsOneOf(name, kOperators)) return before + "(" + name + ")";
  std::string version = "_v" + std::to_string(call.version());
  std::string rail = call.rail() ? "_ster" : "";
  std::string text = name + rail;
  FunctionName read = SplitFunctionName(text);
  if (!before.empty() || IsKeyword(text) || read.name != name || read.version != call.version() ||
      read.rail != call.rail())
    text = name + version + rail;
  return before + (IsWord(text) ? text : InBackticks(text));
}

}  // namespace nightjar::lang
