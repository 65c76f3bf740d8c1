#include "supervisor/control/request_values.h"

#include <charconv>

#include "ipc/core/bounds.h"
#include "ipc/core/utf8.h"

namespace nightjar {

std::optional<uint64_t> PositiveNumber(std::string_view text) {
  uint64_t number = 0;
  auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc() || end != text.data() + text.size() || number == 0) return std::nullopt;
  return number;
}

std::optional<proto::Verdict> VerdictNamed(std::string name) {
  if (name.empty()) return proto::VERDICT_UNSPECIFIED;
  for (char& c : name) c = static_cast<char>(toupper(static_cast<unsigned char>(c)));
  if (name.rfind("VERDICT_", 0) != 0) name = "VERDICT_" + name;
  proto::Verdict verdict;
  if (!proto::Verdict_Parse(name, &verdict)) return std::nullopt;
  return verdict;
}

bool IsText(const std::string& text, size_t bytes_max) {
  return text.size() <= bytes_max && Utf8PrefixSize(text, text.size()) == text.size();
}

std::string WrongReason(const std::string& reason) {
  if (reason.empty()) return "a reason is needed, for who asks later";
  if (!IsText(reason, bounds::kHoldReasonBytes))
    return "a reason is text of at most " + std::to_string(bounds::kHoldReasonBytes) + " bytes";
  return "";
}

}  // namespace nightjar
