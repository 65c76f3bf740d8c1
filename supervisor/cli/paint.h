// Colours, or none. Pure: whether there are any is decided once, from --color, NO_COLOR and the
// terminal.
#pragma once

#include <string>
#include <string_view>

namespace nightjar::cli {

class Paint {
 public:
  enum class Colours { kOff, kOn };
  explicit Paint(Colours colours = Colours::kOff) : on_(colours == Colours::kOn) {}

  std::string Bold(std::string_view text) const { return Wrap("1", text); }
  std::string Dim(std::string_view text) const { return Wrap("2", text); }
  std::string Good(std::string_view text) const { return Wrap("32", text); }
  std::string Warn(std::string_view text) const { return Wrap("33", text); }
  std::string Bad(std::string_view text) const { return Wrap("1;31", text); }
  std::string Name(std::string_view text) const { return Wrap("36", text); }

 private:
  std::string Wrap(std::string_view code, std::string_view text) const {
    if (!on_ || text.empty()) return std::string(text);
    return "\x1b[" + std::string(code) + "m" + std::string(text) + "\x1b[0m";
  }

  bool on_;
};

}  // namespace nightjar::cli
