#include "supervisor/cli/page.h"

#include <algorithm>
#include <vector>

namespace nightjar::cli {
namespace {

constexpr std::string_view kDots = "...";
constexpr std::string_view kPlain = "\x1b[0m";

// How many bytes the escape sequence or the character at `at` has.
size_t StepAt(std::string_view text, size_t at, bool* seen) {
  *seen = text[at] != '\x1b';
  size_t end = at + 1;
  if (!*seen) {
    while (end < text.size() && text[end - 1] != 'm') ++end;
    return end - at;
  }
  while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) ++end;
  return end - at;
}

size_t SeenColumns(std::string_view text) {
  size_t columns = 0;
  bool seen = false;
  for (size_t at = 0; at < text.size();) {
    at += StepAt(text, at, &seen);
    columns += seen;
  }
  return columns;
}

std::string CutLine(std::string_view line, size_t columns) {
  if (SeenColumns(line) <= columns) return std::string(line);
  size_t keep = columns > kDots.size() ? columns - kDots.size() : 0;
  size_t at = 0;
  bool seen = false, painted = false;
  for (size_t shown = 0; at < line.size();) {
    size_t step = StepAt(line, at, &seen);
    if (seen && shown == keep) break;
    painted = painted || !seen;
    shown += seen;
    at += step;
  }
  return std::string(line.substr(0, at)) + std::string(kDots.substr(0, columns)) +
         std::string(painted ? kPlain : "");
}

std::vector<std::string_view> SplitLines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

}  // namespace

std::string WrapAtSpaces(std::string_view text, size_t columns) {
  size_t used = std::min(text.find_first_not_of(' '), text.size());
  std::string wrapped(text.substr(0, used));
  text.remove_prefix(used);
  for (bool first = true; !text.empty(); first = false) {
    size_t end = std::min(text.find(' '), text.size());
    std::string_view word = text.substr(0, end);
    size_t room = SeenColumns(word);
    if (!first && used + 1 + room > columns) {
      wrapped += "\n  ";
      used = 2;
    } else if (!first) {
      wrapped += ' ';
      ++used;
    }
    wrapped += word;
    used += room;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return wrapped;
}

std::string CutLines(std::string_view text, size_t columns) {
  std::string cut;
  for (std::string_view line : SplitLines(text)) cut += CutLine(line, columns) + "\n";
  return cut;
}

std::string FirstLines(std::string_view text, size_t lines, std::string_view more) {
  std::vector<std::string_view> all = SplitLines(text);
  if (all.size() <= lines) return std::string(text);
  std::string first;
  for (size_t i = 0; i < lines; ++i) first += std::string(all[i]) + "\n";
  return first + "  ... " + std::to_string(all.size() - lines) + " more lines" + std::string(more) +
         "\n";
}

}  // namespace nightjar::cli
