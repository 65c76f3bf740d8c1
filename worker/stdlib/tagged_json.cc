#include "worker/stdlib/tagged_json.h"

#include <cmath>
#include <functional>

#include "worker/lang/numbers.h"
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
      case Tag::kNull:
        out += "null";
        return;
      case Tag::kString:
        return String(value.view());
      case Tag::kList:
      case Tag::kTuple:
        return Array(value.count(), [&](size_t i) { Value(value[i]); });
      case Tag::kObject:
        return Object(value.object);
      case Tag::kResponse:
        return Response(*value.response);
      case Tag::kJust:
        return Nested("option", *value.inner);
      case Tag::kErrorRail:
        return Nested("errorrail", *value.inner);
      case Tag::kOk:
        return Result("Ok", *value.inner);
      case Tag::kErrorResult:
        return Result("Error", *value.inner);
      case Tag::kNothing:
        return Null("option");
      case Tag::kFunction:
        return Null("block");
      case Tag::kIncomplete:
        return Null("incomplete");
      case Tag::kPassword:
        return Null("password");
      case Tag::kCharacter:
        return Typed("character", value.view());
      case Tag::kError:
        return Typed("error", "error");
      case Tag::kDatastore:
        return Typed("datastore", value.view());
      case Tag::kDate:
        return Typed("date", IsoDate(value.integer));
      case Tag::kUuid:
        return Typed("uuid", UuidText(value.view()));
      case Tag::kBytes:
        return Typed("bytes", Base64(value.view()));
    }
  }

 private:
  using Part = std::function<void()>;

  void Line() { out.append(1, '\n').append(indent_, ' '); }

  void Float(double value) {
    if (!std::isfinite(value)) {
      out += ShortestFloat(value);
      return;
    }
    std::string text = ShortestFloat(value);
    out += text.find_first_of(".E") == std::string::npos ? text + ".0" : text;
  }

  void String(std::string_view text) { AppendJsonString(out, text, false); }

  void Array(size_t count, const std::function<void(size_t)>& item) {
    out += '[';
    indent_ += 2;
    for (size_t i = 0; i < count; ++i) {
      if (i > 0) out += ',';
      Line();
      item(i);
    }
    indent_ -= 2;
    if (count > 0) Line();
    out += ']';
  }

  void Object(const ObjectNode* object) {
    out += '{';
    indent_ += 2;
    bool first = true;
    ObjectEach(object, [&](const Text* key, const Dval& value) {
      if (!first) out += ',';
      first = false;
      Key({key->data, key->size});
      Value(value);
      return true;
    });
    indent_ -= 2;
    if (!first) Line();
    out += '}';
  }

  void Key(std::string_view name) {
    Line();
    String(name);
    out += ": ";
  }

  // {"type": .., NAME: ..}
  void Tagged(std::string_view type, std::string_view name, const Part& part,
              std::string_view constructor = {}) {
    out += '{';
    indent_ += 2;
    Key("type");
    String(type);
    if (!constructor.empty()) {
      out += ',';
      Key("constructor");
      String(constructor);
    }
    out += ',';
    Key(name);
    part();
    indent_ -= 2;
    Line();
    out += '}';
  }

  void Typed(std::string_view type, std::string_view text) {
    Tagged(type, "value", [&] { String(text); });
  }
  void Null(std::string_view type) {
    Tagged(type, "value", [&] { out += "null"; });
  }
  void Nested(std::string_view type, const Dval& value) {
    Tagged(type, "value", [&] { Value(value); });
  }
  void Result(std::string_view constructor, const Dval& value) {
    Tagged(
        "result", "values", [&] { Array(1, [&](size_t) { Value(value); }); }, constructor);
  }

  void Response(const ResponseData& response) {
    bool redirect = !response.redirect.empty();
    auto head = [&](size_t i) {
      if (i == 0) return String(redirect ? "Redirect" : "Response");
      if (redirect) return String(response.redirect);
      if (i == 1) return void(out += std::to_string(response.status));
      ObjectCursor at(response.headers);
      Array(ObjectSize(response.headers), [&](size_t) {
        Array(2, [&](size_t side) {
          side == 0 ? String(at.node()->key_view()) : Value(at.node()->value);
        });
        at.Advance();
      });
    };
    Tagged("response", "value", [&] {
      Array(2, [&](size_t i) {
        if (i == 0) return Array(redirect ? 2 : 3, head);
        Value(redirect ? Dval::Null() : response.body);
      });
    });
  }

  size_t indent_ = 0;
};

}  // namespace

std::string TaggedJson(const Dval& value) {
  Writer writer;
  writer.Value(value);
  return std::move(writer.out);
}

}  // namespace nightjar::lang
