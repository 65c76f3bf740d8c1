#include "supervisor/cli/plot.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

namespace nightjar::cli {
namespace {

constexpr size_t kSteps = 8;
constexpr double kRounding = 1e-6;  // of a step: less than that is no height
constexpr std::array<std::string_view, kSteps + 1> kAscii = {" ", "_", ".", "-", "=",
                                                             "+", "*", "%", "#"};
constexpr std::array<std::string_view, kSteps + 1> kUnicode = {" ", "▁", "▂", "▃", "▄",
                                                               "▅", "▆", "▇", "█"};

}  // namespace

std::string Plot(const std::vector<double>& values, double top, Glyphs glyphs) {
  const auto& steps = glyphs == Glyphs::kUnicode ? kUnicode : kAscii;
  std::string line;
  for (double value : values) {
    double share = top > 0 ? std::clamp(value / top, 0.0, 1.0) : 0;
    line += steps[static_cast<size_t>(std::ceil(std::max(0.0, share * kSteps - kRounding)))];
  }
  return line;
}

}  // namespace nightjar::cli
