#include "worker/lang/json_writer.h"

#include <cmath>
#include <cstdint>

#include "worker/lang/numbers.h"
#include "worker/lang/repr.h"
#include "worker/lang/stack_guard.h"

namespace nightjar::lang {
namespace {

class JsonWriter {
 public:
  JsonWriter(size_t bytes_max, std::string* out) : bytes_max_(bytes_max), out_(*out) {}

  bool Value(const Dval& value, size_t indent) {
    StackGuard::Check();
    if (out_.size() > bytes_max_) return false;
    switch (value.tag) {
      case Tag::kInt:
        out_ += std::to_string(value.integer);
        break;
      case Tag::kFloat:
        Float(value.number);
        break;
      case Tag::kBool:
        out_ += value.boolean() ? "true" : "false";
        break;
      case Tag::kString:
      case Tag::kCharacter:
      case Tag::kDatastore:
        String(value.view());
        break;
      case Tag::kList:
      case Tag::kTuple:
        return List(value, indent);
      case Tag::kObject:
        return Object(value.object, indent);
      case Tag::kDate:
        String(IsoDate(value.integer));
        break;
      case Tag::kUuid:
        String(UuidText(value.view()));
        break;
      case Tag::kBytes:
        String(Base64(value.view()));
        break;
      case Tag::kJust:
      case Tag::kOk:
      case Tag::kErrorRail:
        return Value(*value.inner, indent);
      case Tag::kErrorResult:
        return Error(*value.inner, indent);
      case Tag::kError:
        return Error(Dval::Null(), indent);
      case Tag::kPassword:
        return Single("Error", "Password is redacted", indent);
      case Tag::kResponse:
        if (value.response->redirect.empty()) return Value(value.response->body, indent);
        [[fallthrough]];
      default:
        out_ += "null";
    }
    return out_.size() <= bytes_max_;
  }

 private:
  void Line(size_t indent) { out_.append(1, '\n').append(indent, ' '); }

  void Float(double value) {
    if (std::isfinite(value))
      out_ += JsonFloat(value);
    else
      String(ShortestFloat(value));
  }

  void String(std::string_view text) {
    out_ += '"';
    size_t plain = 0;  // where what needs no escape began
    for (size_t i = 0; i < text.size(); ++i) {
      auto c = static_cast<unsigned char>(text[i]);
      if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7f) continue;
      out_.append(text.substr(plain, i - plain));
      Escape(c);
      plain = i + 1;
    }
    out_.append(text.substr(plain)) += '"';
  }

  void Escape(unsigned char c) {
    constexpr char kDigits[] = "0123456789ABCDEF";
    switch (c) {
      case '"':
        out_ += "\\\"";
        return;
      case '\\':
        out_ += "\\\\";
        return;
      case '\b':
        out_ += "\\b";
        return;
      case '\f':
        out_ += "\\f";
        return;
      case '\n':
        out_ += "\\n";
        return;
      case '\r':
        out_ += "\\r";
        return;
      case '\t':
        out_ += "\\t";
        return;
      default:
        out_ += "\\u00";
        out_ += kDigits[c >> 4];
        out_ += kDigits[c & 15];
    }
  }

  // Numbers of a list stand on one line: so they always did.
  bool List(const Dval& list, size_t indent) {
    if (list.count() == 0) {
      out_ += "[]";
      return out_.size() <= bytes_max_;
    }
    out_ += '[';
    bool first = true;
    for (const Dval& item : list) {
      if (!first) out_ += ',';
      first = false;
      bool number = item.Is(Tag::kInt) || (item.Is(Tag::kFloat) && std::isfinite(item.number));
      if (!number) Line(indent + 2);
      if (!Value(item, indent + 2)) return false;
    }
    Line(indent);
    out_ += ']';
    return out_.size() <= bytes_max_;
  }

  bool Object(const ObjectNode* object, size_t indent) {
    if (object == nullptr) {
      out_ += "{}";
      return out_.size() <= bytes_max_;
    }
    out_ += '{';
    bool first = true;
    bool whole = ObjectEach(object, [&](const Text* key, const Dval& value) {
      if (!first) out_ += ',';
      first = false;
      Line(indent + 2);
      String({key->data, key->size});
      out_ += ": ";
      return Value(value, indent + 2);
    });
    if (!whole) return false;
    Line(indent);
    out_ += '}';
    return out_.size() <= bytes_max_;
  }

  bool Error(const Dval& inner, size_t indent) {
    out_ += '{';
    Line(indent + 2);
    out_ += "\"Error\": ";
    if (!Value(inner, indent + 2)) return false;
    Line(indent);
    out_ += '}';
    return out_.size() <= bytes_max_;
  }

  bool Single(std::string_view name, std::string_view text, size_t indent) {
    out_ += '{';
    Line(indent + 2);
    String(name);
    out_ += ": ";
    String(text);
    Line(indent);
    out_ += '}';
    return out_.size() <= bytes_max_;
  }

  const size_t bytes_max_;
  std::string& out_;
};

}  // namespace

bool WriteJson(const Dval& value, size_t bytes_max, std::string* out) {
  return JsonWriter(bytes_max, out).Value(value, 0);
}

std::string PrettyJson(const Dval& value) {
  std::string text;
  WriteJson(value, SIZE_MAX, &text);
  return text;
}

}  // namespace nightjar::lang
