#include "worker/lang/numbers.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "ipc/core/ascii.h"

namespace nightjar::lang {
namespace {

std::string_view Trimmed(std::string_view text) {
  return TrimAscii(text, " \t\n\v\f\r");
}

// Without the commas that may stand between and after the digits of the whole part.
std::string Ungrouped(std::string_view text) {
  std::string digits;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '0' && (text[i] < '1' || text[i] > '9') && text[i] != ',')
      return digits.append(text.substr(i));
    if (text[i] == ',' && i == 0) return std::string(text);
    if (text[i] != ',') digits += text[i];
  }
  return digits;
}

// Exponents from here on, up and down, are written with an E.
constexpr int kExponentMax = 15;
constexpr int kExponentMin = -5;

}  // namespace

std::string FloatText(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  char text[40];
  snprintf(text, sizeof text, "%.12g", value);
  std::string whole = text;
  return whole.find('.') == std::string::npos ? whole + "." : whole;
}

std::string ShortestFloat(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  char text[40];
  auto end = std::to_chars(text, text + sizeof text, value, std::chars_format::scientific).ptr;
  std::string_view whole(text, static_cast<size_t>(end - text));
  size_t e = whole.find('e');
  int exponent = 0;
  std::string_view digits = whole.substr(e + (whole[e + 1] == '+' ? 2 : 1));
  std::from_chars(digits.data(), digits.data() + digits.size(), exponent);
  if (exponent >= kExponentMin && exponent < kExponentMax) {
    end = std::to_chars(text, text + sizeof text, value, std::chars_format::fixed).ptr;
    return std::string(text, static_cast<size_t>(end - text));
  }
  std::string size = std::to_string(std::abs(exponent));
  return std::string(whole.substr(0, e)) + (exponent < 0 ? "E-" : "E+") +
         (size.size() < 2 ? "0" : "") + size;
}

std::string JsonFloat(double value) {
  std::string text = ShortestFloat(value);
  bool whole = text.find_first_of(".E") == std::string::npos;
  for (char& c : text)
    if (c == 'E') c = 'e';
  return whole ? text + ".0" : text;
}

std::optional<int64_t> ParseInt(std::string_view text) {
  text = Trimmed(text);
  if (text.starts_with('+')) {
    text.remove_prefix(1);
    if (text.starts_with('-')) return std::nullopt;
  }
  int64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<double> ParseFloat(std::string_view text) {
  text = Trimmed(text);
  bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  if (EqualsNoCase(text, "infinity")) return negative ? -HUGE_VAL : HUGE_VAL;
  if (EqualsNoCase(text, "nan")) return NAN;
  std::string digits = Ungrouped(text);
  // The library would take "inf" and hexadecimal as well.
  if (digits.find_first_not_of("0123456789.eE+-") != std::string::npos) return std::nullopt;
  if (digits.empty() || digits[0] == '-') return std::nullopt;
  double value = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (end != digits.data() + digits.size()) return std::nullopt;
  // Out of range: strtod knows on which side.
  if (error == std::errc::result_out_of_range)
    value = strtod(digits.c_str(), nullptr);
  else if (error != std::errc())
    return std::nullopt;
  return negative ? -value : value;
}

}  // namespace nightjar::lang
