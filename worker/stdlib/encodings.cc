// Text as the interfaces of others want it in a URL.
#include <cstdio>

#include "worker/stdlib/library.h"
#include "worker/stdlib/url_escape.h"

namespace nightjar::lang {
namespace {

bool IsLetterOrDigit(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

// As AWS signs it: slashes stay, and so do escapes that are there already. A percent sign with less
// than two characters behind it is left out: so it always was.
Dval AwsEncoded(const Call& call) {
  std::string_view text = call[0].view();
  std::string escaped;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (IsLetterOrDigit(c) || std::string_view("_-~./").find(c) != std::string_view::npos) {
      escaped += c;
    } else if (c == '%') {
      if (i + 2 >= text.size()) continue;
      bool is_escape = IsLetterOrDigit(text[i + 1]) && IsLetterOrDigit(text[i + 2]);
      escaped += is_escape ? "%" : "%25";
    } else {
      char code[4];
      snprintf(code, sizeof code, "%%%X", static_cast<unsigned char>(c));
      escaped += code;
    }
  }
  return call.String(escaped);
}

}  // namespace

std::string UrlEscaped(std::string_view text) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string escaped;
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (IsLetterOrDigit(c) || c == '-' || c == '_' || c == '.' || c == '~')
      escaped += c;
    else
      escaped.append(1, '%').append(1, kDigits[byte >> 4]).append(1, kDigits[byte & 15]);
  }
  return escaped;
}

void AddEncodings(Tables& tables) {
  Module(tables, "AWS").Add("urlencode", 0, {{"str", kStr}}, kStr, AwsEncoded);
  Module(tables, "Twitter").Add("urlencode", 0, {{"s", kStr}}, kStr, [](const Call& call) {
    return call.String(UrlEscaped(call[0].view()));
  });
}

}  // namespace nightjar::lang
