#include "worker/lang/function_name.h"

#include <charconv>

namespace nightjar::lang {

FunctionName SplitFunctionName(std::string text) {
  FunctionName parts;
  constexpr std::string_view kRail = "_ster";
  if (text.size() > kRail.size() && text.ends_with(kRail)) {
    parts.rail = true;
    text.resize(text.size() - kRail.size());
  }
  size_t mark = text.rfind("_v");
  if (mark != std::string::npos && mark > 0 && mark + 2 < text.size()) {
    uint32_t version = 0;
    auto [end, failed] =
        std::from_chars(text.data() + mark + 2, text.data() + text.size(), version);
    if (failed == std::errc() && end == text.data() + text.size()) {
      parts.version = version;
      text.resize(mark);
    }
  }
  parts.name = std::move(text);
  return parts;
}

}  // namespace nightjar::lang
