#include "worker/stdlib/pem.h"

#include "worker/lang/repr.h"
#include "worker/lang/base64.h"

namespace nightjar::lang {

std::optional<std::string> FromPem(std::string_view text, std::string_view label) {
  std::string begin = "-----BEGIN " + std::string(label) + "-----";
  std::string end = "-----END " + std::string(label) + "-----";
  size_t from = text.find(begin);
  if (from == std::string_view::npos) return std::nullopt;
  from += begin.size();
  size_t to = text.find(end, from);
  if (to == std::string_view::npos) return std::nullopt;
  std::string digits;
  for (char c : text.substr(from, to - from))
    if (c != '\n' && c != '\r' && c != ' ' && c != '\t') digits += c;
  if (digits.empty() || digits.size() % 4 != 0) return std::nullopt;
  return DecodeBase64(digits);
}

std::string ToPem(std::string_view der, std::string_view label) {
  constexpr size_t kLine = 64;
  std::string digits = Base64(der);
  std::string text = "-----BEGIN " + std::string(label) + "-----\n";
  for (size_t at = 0; at < digits.size(); at += kLine) text.append(digits, at, kLine).append("\n");
  return text.append("-----END ").append(label).append("-----\n");
}

}  // namespace nightjar::lang
