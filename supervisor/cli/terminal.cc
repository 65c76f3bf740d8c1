#include "supervisor/cli/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include "ipc/core/ascii.h"

namespace nightjar::cli {
namespace {

Paint::Colours Choose(ColourChoice choice, bool is_terminal) {
  if (choice == ColourChoice::kAlways) return Paint::Colours::kOn;
  if (choice == ColourChoice::kNever || !is_terminal) return Paint::Colours::kOff;
  const char* no_color = getenv("NO_COLOR");
  const char* term = getenv("TERM");
  bool off = (no_color != nullptr && *no_color != '\0') ||
             (term != nullptr && std::string_view(term) == "dumb");
  return off ? Paint::Colours::kOff : Paint::Colours::kOn;
}

// By the variables that a program's locale is taken from, the first that is set.
Glyphs ChooseGlyphs() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* value = getenv(name);
    if (value == nullptr || *value == '\0') continue;
    std::string locale = ToLowerAscii(value);
    bool utf8 = locale.ends_with("utf-8") || locale.ends_with("utf8");
    return utf8 ? Glyphs::kUnicode : Glyphs::kAscii;
  }
  return Glyphs::kAscii;
}

}  // namespace

Terminal StandardTerminal(ColourChoice choice) {
  bool out = isatty(STDOUT_FILENO) == 1;
  Terminal terminal{std::cout, std::cerr, out, isatty(STDERR_FILENO) == 1,
                    Paint(Choose(choice, out))};
  terminal.glyphs = ChooseGlyphs();
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) {
    if (size.ws_row > 0) terminal.rows = size.ws_row;
    if (size.ws_col > 0) terminal.columns = size.ws_col;
  }
  return terminal;
}

}  // namespace nightjar::cli
