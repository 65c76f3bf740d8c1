#include "supervisor/route/path_segments.h"

#include <algorithm>

#include "ipc/core/ascii.h"
#include "ipc/core/utf8.h"

namespace nightjar {
std::vector<std::string_view> SplitPath(std::string_view path) {
  std::vector<std::string_view> segments;
  size_t begin = 0;
  while (begin < path.size()) {
    size_t end = std::min(path.find('/', begin), path.size());
    if (end > begin) segments.push_back(path.substr(begin, end - begin));
    begin = end + 1;
  }
  return segments;
}

std::string DecodeSegment(std::string_view segment) {
  std::string decoded;
  decoded.reserve(segment.size());
  for (size_t at = 0; at < segment.size(); ++at) {
    if (segment[at] != '%') {
      decoded.push_back(segment[at]);
      continue;
    }
    if (segment.size() - at < 3) return std::string(segment);
    int high = HexDigit(segment[at + 1]);
    int low = HexDigit(segment[at + 2]);
    if (high < 0 || low < 0 || (high == 0 && low == 0)) return std::string(segment);
    decoded.push_back(static_cast<char>(high * 16 + low));
    at += 2;
  }
  if (Utf8PrefixSize(decoded, decoded.size()) != decoded.size()) return std::string(segment);
  return decoded;
}

}  // namespace nightjar
