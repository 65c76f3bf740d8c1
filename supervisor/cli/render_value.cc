#include "supervisor/cli/render_value.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <ctime>

#include "supervisor/cli/printable.h"
#include "supervisor/cli/quantity.h"

namespace nightjar::cli {
namespace {

constexpr size_t kStringColumns = 60;
constexpr int kItemsShown = 8;

std::string Quoted(std::string_view text, Detail detail) {
  std::string printable;
  for (char c : detail == Detail::kShort ? text.substr(0, 4 * kStringColumns + 4) : text) {
    if (c == '"' || c == '\\') printable += '\\';
    printable += c;
  }
  // Cut to 4 bytes a column above may have split a character; the cut to columns below hides it.
  printable = Printable(printable);
  if (detail == Detail::kShort) printable = CutTo(printable, kStringColumns);
  return "\"" + printable + "\"";
}

std::string FloatText(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  std::array<char, 40> buffer;
  auto [end, failed] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  if (failed != std::errc()) return "?";
  std::string text(buffer.data(), end);
  return text.find_first_of(".e") == std::string::npos ? text + ".0" : text;
}

std::string UuidText(const std::string& bytes) {
  if (bytes.size() != 16) return "<uuid>";
  std::string text;
  char digits[3];
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    snprintf(digits, sizeof digits, "%02x", static_cast<unsigned char>(bytes[i]));
    text += digits;
  }
  return text;
}

// Of any year: a program's dates are not a clock's.
std::string DateText(int64_t unix_ms) {
  int64_t ms = unix_ms % 1000;
  time_t seconds = unix_ms / 1000 - (ms < 0 ? 1 : 0);
  tm parts{};
  char text[64];
  if (gmtime_r(&seconds, &parts) == nullptr ||
      strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
    return "<date " + std::to_string(unix_ms) + " ms>";
  return text;
}

template <typename Items, typename One>
std::string Sequence(const Items& items, std::string_view open, std::string_view close,
                     Detail detail, One&& one) {
  std::string text(open);
  int shown = 0;
  for (const auto& item : items) {
    if (shown > 0) text += ", ";
    if (detail == Detail::kShort && shown == kItemsShown) {
      text += "... " + std::to_string(items.size() - shown) + " more";
      break;
    }
    text += one(item);
    ++shown;
  }
  return text + std::string(close);
}

std::string ObjectText(const proto::ValueObject& object, Detail detail) {
  if (object.fields().empty()) return "{}";
  return Sequence(object.fields(), "{ ", " }", detail, [&](const proto::ValueField& field) {
    return CutTo(Printable(field.key()), kStringColumns) + ": " +
           RenderValue(field.value(), detail);
  });
}

std::string ListText(const proto::ValueList& list, std::string_view open, std::string_view close,
                     Detail detail) {
  return Sequence(list.items(), open, close, detail,
                  [&](const proto::Value& item) { return RenderValue(item, detail); });
}

std::string ResponseText(const proto::ResponseValue& response, Detail detail) {
  if (!response.redirect().empty()) return "redirect " + Quoted(response.redirect(), detail);
  std::string text = "response " + std::to_string(response.status());
  if (response.headers_size() > 0)
    text += Sequence(response.headers(), " { ", " }", detail, [&](const proto::Header& header) {
      return Printable(header.name()) + ": " + Quoted(header.value(), detail);
    });
  return response.has_body() ? text + " " + RenderValue(response.body(), detail) : text;
}

std::string KindText(const proto::Value& value, Detail detail) {
  using Kind = proto::Value::KindCase;
  switch (value.kind_case()) {
    case Kind::kInt:
      return std::to_string(value.int_());
    case Kind::kFloat:
      return FloatText(value.float_());
    case Kind::kBool:
      return value.bool_() ? "true" : "false";
    case Kind::kNull:
      return "null";
    case Kind::kString:
      return Quoted(value.string(), detail);
    case Kind::kCharacter:
      return "'" + Printable(value.character()) + "'";
    case Kind::kList:
      return ListText(value.list(), "[", "]", detail);
    case Kind::kTuple:
      return ListText(value.tuple(), "(", ")", detail);
    case Kind::kObject:
      return ObjectText(value.object(), detail);
    case Kind::kFunction:
      return "<fn " + Printable(value.function()) + ">";
    case Kind::kError:
      return "<error: " + Printable(value.error().message()) + ">";
    case Kind::kIncomplete:
      return "<incomplete>";
    case Kind::kErrorRail:
      return "ErrorRail " + RenderValue(value.error_rail(), detail);
    case Kind::kResponse:
      return ResponseText(value.response(), detail);
    case Kind::kDatastore:
      return "<db " + Printable(value.datastore()) + ">";
    case Kind::kDateMs:
      return DateText(value.date_ms());
    case Kind::kPassword:
      return "<password>";
    case Kind::kUuid:
      return UuidText(value.uuid());
    case Kind::kJust:
      return "Just " + RenderValue(value.just(), detail);
    case Kind::kNothing:
      return "Nothing";
    case Kind::kOk:
      return "Ok " + RenderValue(value.ok(), detail);
    case Kind::kErrorResult:
      return "Error " + RenderValue(value.error_result(), detail);
    case Kind::kBytes:
      return "<bytes, " + BytesText(value.bytes().size()) + ">";
    case Kind::KIND_NOT_SET:
      return value.has_truncated() ? "" : "<nothing recorded>";
  }
  return "<unknown value>";
}

}  // namespace

std::string RenderValue(const proto::Value& value, Detail detail) {
  std::string text = KindText(value, detail);
  if (!value.has_truncated()) return text;
  if (!text.empty()) text += " ";
  return text + "<cut, was " + BytesText(value.truncated().bytes()) + ">";
}

}  // namespace nightjar::cli
