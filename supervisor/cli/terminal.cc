#include "supervisor/cli/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>

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

}  // namespace

Terminal StandardTerminal(ColourChoice choice) {
  bool out = isatty(STDOUT_FILENO) == 1;
  Terminal terminal{std::cout, std::cerr, out, isatty(STDERR_FILENO) == 1,
                    Paint(Choose(choice, out))};
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0) terminal.rows = size.ws_row;
  return terminal;
}

}  // namespace nightjar::cli
