#include "worker/lang/repr.h"

#include <chrono>
#include <cstdio>
#include <vector>

#include "worker/lang/numbers.h"
#include "worker/lang/stack_guard.h"

namespace nightjar::lang {
namespace {

std::string Quoted(std::string_view text, char quote = '"') {
  std::string whole(1, quote);
  whole += text;
  whole += quote;
  return whole;
}

std::string Join(const std::vector<std::string>& parts, std::string_view separator) {
  std::string whole;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) whole += separator;
    whole += parts[i];
  }
  return whole;
}

std::string HeaderLine(const ResponseData& response) {
  if (!response.redirect.empty()) return "302 " + std::string(response.redirect);
  std::vector<std::string> headers;
  ObjectEach(response.headers, [&](const Text* key, const Dval& value) {
    headers.push_back(std::string(key->data, key->size) + ": " + ReadableText(value));
    return true;
  });
  return std::to_string(response.status) + " { " + Join(headers, ",") + " }";
}

// Both ways of writing share the shape of containers and differ in the rest.
class Writer {
 public:
  virtual ~Writer() = default;
  virtual std::string Scalar(const Dval& value, size_t indent) = 0;
  virtual std::string Wrapped(const Dval& value, size_t indent) = 0;

  std::string Any(const Dval& value, size_t indent) {
    StackGuard::Check();
    switch (value.tag) {
      case Tag::kList:
        return List(value, indent);
      case Tag::kTuple:
        return Tuple(value, indent);
      case Tag::kObject:
        return Object(value, indent);
      case Tag::kErrorRail:
      case Tag::kJust:
      case Tag::kOk:
      case Tag::kErrorResult:
        return Wrapped(value, indent);
      default:
        return Scalar(value, indent);
    }
  }

 protected:
  explicit Writer(std::string_view open_space) : open_space_(open_space) {}

  virtual std::string Nested(const Dval& value, size_t indent) { return Any(value, indent); }
  static std::string Line(size_t indent) { return "\n" + std::string(indent, ' '); }

 private:
  std::vector<std::string> Parts(const Dval& items, size_t indent) {
    std::vector<std::string> parts;
    for (const Dval& item : items) parts.push_back(Nested(item, indent));
    return parts;
  }

  std::string List(const Dval& list, size_t indent) {
    if (list.count() == 0) return "[]";
    return "[" + open_space_ + Line(indent + 2) + Join(Parts(list, indent + 2), ", ") +
           Line(indent) + "]";
  }

  std::string Tuple(const Dval& tuple, size_t indent) {
    return "(" + Join(Parts(tuple, indent + 2), ", ") + ")";
  }

  // The last key comes first: so it always was.
  std::string Object(const Dval& object, size_t indent) {
    if (object.object == nullptr) return "{}";
    std::vector<std::string> fields;
    ObjectEach(object.object, [&](const Text* key, const Dval& value) {
      fields.push_back(std::string(key->data, key->size) + ": " + Nested(value, indent + 2));
      return true;
    });
    return "{" + open_space_ + Line(indent + 2) +
           Join({fields.rbegin(), fields.rend()}, "," + Line(indent + 2)) + Line(indent) + "}";
  }

  const std::string open_space_;
};

class ReprWriter final : public Writer {
 public:
  ReprWriter() : Writer("") {}

  std::string Wrapped(const Dval& value, size_t indent) override {
    std::string inner = Any(*value.inner, indent + 2);
    switch (value.tag) {
      case Tag::kJust:
        return "Just " + inner;
      case Tag::kOk:
        return "Ok " + inner;
      case Tag::kErrorResult:
        return "Error " + inner;
      default:
        return "ErrorRail: " + inner;
    }
  }

  std::string Scalar(const Dval& value, size_t indent) override {
    switch (value.tag) {
      case Tag::kInt:
        return std::to_string(value.integer);
      case Tag::kFloat:
        return FloatText(value.number);
      case Tag::kBool:
        return value.boolean() ? "true" : "false";
      case Tag::kNull:
        return "null";
      case Tag::kString:
        return Quoted(value.view());
      case Tag::kCharacter:
        return Quoted(value.view(), '\'');
      case Tag::kNothing:
        return "Nothing";
      case Tag::kPassword:
        return "<password>";
      case Tag::kBytes:
        return Base64(value.view());
      case Tag::kError:
        return "<error: " + std::string(value.error->message) + ">";
      case Tag::kDate:
        return Typed(value, IsoDate(value.integer));
      case Tag::kUuid:
        return Typed(value, UuidText(value.view()));
      case Tag::kDatastore:
        return Typed(value, std::string(value.view()));
      case Tag::kResponse:
        return HeaderLine(*value.response) + Line(indent) +
               Any(value.response->redirect.empty() ? value.response->body : Dval::Null(),
                   indent + 2);
      default:
        return "<" + std::string(TypeName(value)) + ">";
    }
  }

 private:
  static std::string Typed(const Dval& value, const std::string& text) {
    return "<" + std::string(TypeName(value)) + ": " + text + ">";
  }
};

class TextWriter final : public Writer {
 public:
  TextWriter() : Writer(" ") {}

  std::string Wrapped(const Dval& value, size_t indent) override {
    std::string inner = Any(*value.inner, indent);
    return value.Is(Tag::kErrorResult) ? "Error: " + inner : inner;
  }

  std::string Scalar(const Dval& value, size_t indent) override {
    switch (value.tag) {
      case Tag::kInt:
        return std::to_string(value.integer);
      case Tag::kFloat:
        return FloatText(value.number);
      case Tag::kBool:
        return value.boolean() ? "true" : "false";
      case Tag::kString:
      case Tag::kCharacter:
      case Tag::kBytes:
        return std::string(value.view());
      case Tag::kNothing:
        return "Nothing";
      case Tag::kDate:
        return IsoDate(value.integer);
      case Tag::kUuid:
        return UuidText(value.view());
      case Tag::kDatastore:
        return "<DB: " + std::string(value.view()) + ">";
      case Tag::kError:
        return "Error";
      case Tag::kIncomplete:
        return "<Incomplete>";
      case Tag::kFunction:
        return "<Block>";
      case Tag::kPassword:
        return "<Password>";
      case Tag::kResponse:
        return HeaderLine(*value.response) + "\n" +
               Nested(value.response->redirect.empty() ? value.response->body : Dval::Null(),
                      indent);
      default:
        return "null";
    }
  }

 protected:
  // Inside of something, what is text stands in quotes.
  std::string Nested(const Dval& value, size_t indent) override {
    bool text = value.Is(Tag::kString) || value.Is(Tag::kCharacter) || value.Is(Tag::kUuid);
    return text ? Quoted(Scalar(value, indent)) : Any(value, indent);
  }
};

}  // namespace

std::string Repr(const Dval& value) {
  return ReprWriter().Any(value, 0);
}

std::string ReadableText(const Dval& value) {
  return TextWriter().Any(value, 0);
}

std::string Base64(std::string_view bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t three = 0;
    size_t count = std::min<size_t>(3, bytes.size() - i);
    for (size_t k = 0; k < 3; ++k)
      three = three << 8 | (k < count ? static_cast<unsigned char>(bytes[i + k]) : 0);
    for (size_t k = 0; k < 4; ++k) text += k <= count ? kDigits[three >> (18 - 6 * k) & 63] : '=';
  }
  return text;
}

std::string UuidText(std::string_view sixteen_bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (size_t i = 0; i < sixteen_bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    auto byte = static_cast<unsigned char>(sixteen_bytes[i]);
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

std::string IsoDate(int64_t unix_ms) {
  // Not gmtime(3): it reads the time zone's file at its first call, which a sealed worker cannot.
  using std::chrono::floor;
  std::chrono::sys_time<std::chrono::milliseconds> time{std::chrono::milliseconds(unix_ms)};
  auto day = floor<std::chrono::days>(time);
  std::chrono::year_month_day date(day);
  std::chrono::hh_mm_ss clock(floor<std::chrono::seconds>(time - day));
  char text[64];
  int size =
      snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02dZ", static_cast<int>(date.year()),
               static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
               static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
               static_cast<int>(clock.seconds().count()));
  return std::string(text, static_cast<size_t>(size));
}

}  // namespace nightjar::lang
