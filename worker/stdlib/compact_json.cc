#include "worker/stdlib/compact_json.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "worker/lang/repr.h"
#include "worker/lang/stack_guard.h"
#include "worker/stdlib/json_string.h"

namespace nightjar::lang {
namespace {

class Writer {
 public:
  std::string out;

  void Value(const Dval& value) {
    StackGuard::Check();
    switch (value.tag) {
      case Tag::kInt:
        out += std::to_string(value.integer);
        return;
      case Tag::kFloat:
        return Float(value.number);
      case Tag::kBool:
        out += value.boolean() ? "true" : "false";
        return;
      case Tag::kString:
      case Tag::kCharacter:
      case Tag::kDatastore:
        return String(value.view());
      case Tag::kDate:
        return String(IsoDate(value.integer));
      case Tag::kUuid:
        return String(UuidText(value.view()));
      case Tag::kBytes:
        return String(Base64(value.view()));
      case Tag::kList:
      case Tag::kTuple:
        return List(value);
      case Tag::kObject:
        return Object(value.object);
      case Tag::kJust:
      case Tag::kOk:
      case Tag::kErrorRail:
        return Value(*value.inner);
      case Tag::kErrorResult:
        return Error(*value.inner);
      case Tag::kError:
        return Error(Dval::Null());
      case Tag::kPassword:
        out += "{\"Error\":\"Password is redacted\"}";
        return;
      case Tag::kResponse:
        if (value.response->redirect.empty()) return Value(value.response->body);
        [[fallthrough]];
      default:
        out += "null";
    }
  }

 private:
  void Float(double value) {
    if (std::isnan(value)) {
      out += "NaN";
      return;
    }
    if (std::isinf(value)) {
      out += value > 0 ? "Infinity" : "-Infinity";
      return;
    }
    char text[40];
    snprintf(text, sizeof text, "%.16g", value);
    if (strtod(text, nullptr) != value) snprintf(text, sizeof text, "%.17g", value);
    out += text;
    // A whole number stays a float.
    if (std::string_view(text).find_first_not_of("-0123456789") == std::string_view::npos)
      out += ".0";
  }

  void String(std::string_view text) { AppendJsonString(out, text, true); }

  void List(const Dval& list) {
    out += '[';
    for (size_t i = 0; i < list.count(); ++i) {
      if (i > 0) out += ',';
      Value(list[i]);
    }
    out += ']';
  }

  void Object(const ObjectNode* object) {
    out += '{';
    bool first = true;
    ObjectEach(object, [&](const Text* key, const Dval& value) {
      if (!first) out += ',';
      first = false;
      String({key->data, key->size});
      out += ':';
      Value(value);
      return true;
    });
    out += '}';
  }

  void Error(const Dval& inner) {
    out += "{\"Error\":";
    Value(inner);
    out += '}';
  }
};

}  // namespace

std::string CompactJson(const Dval& value) {
  Writer writer;
  writer.Value(value);
  return std::move(writer.out);
}

}  // namespace nightjar::lang
