#include "ipc/core/nearest_word.h"

#include <algorithm>
#include <vector>

#include "ipc/core/ascii.h"

namespace nightjar {

size_t EditDistance(std::string_view a, std::string_view b) {
  auto same = [](char x, char y) { return ToLowerAscii(x) == ToLowerAscii(y); };
  std::vector<std::vector<size_t>> steps(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) steps[i][0] = i;
  for (size_t j = 0; j <= b.size(); ++j) steps[0][j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t change = steps[i - 1][j - 1] + (same(a[i - 1], b[j - 1]) ? 0 : 1);
      steps[i][j] = std::min({steps[i - 1][j] + 1, steps[i][j - 1] + 1, change});
      bool swapped = i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]);
      if (swapped) steps[i][j] = std::min(steps[i][j], steps[i - 2][j - 2] + 1);
    }
  }
  return steps[a.size()][b.size()];
}

std::string_view NearestWord(std::string_view typed, std::span<const std::string_view> words) {
  constexpr size_t kLongest = 40;
  if (typed.size() > kLongest) return {};
  std::string_view nearest;
  // One slip in a short word, two or three in a long one; more than that is another word.
  size_t least = std::max<size_t>(1, typed.size() / 3) + 1;
  for (std::string_view word : words) {
    if (word.size() > typed.size() + least) continue;
    size_t distance = EditDistance(typed, word);
    if (distance >= least) continue;
    least = distance;
    nearest = word;
  }
  return nearest;
}

std::string DidYouMean(std::string_view nearest) {
  return nearest.empty() ? "" : "; did you mean `" + std::string(nearest) + "`?";
}

}  // namespace nightjar
