#include "worker/lang/value_reader.h"

#include "ipc/core/bounds.h"
#include "worker/lang/unicode.h"

namespace nightjar::lang {
namespace {

class Reader {
 public:
  explicit Reader(Arena& arena) : arena_(arena) {}

  std::optional<Dval> Read(const proto::Value& value) {
    if (value.has_truncated() || levels_ == bounds::kTraceValueLevels) return std::nullopt;
    ++levels_;
    std::optional<Dval> read = ReadKind(value);
    --levels_;
    return read;
  }

 private:
  std::optional<Dval> ReadKind(const proto::Value& value) {
    using Value = proto::Value;
    switch (value.kind_case()) {
      case Value::kInt:
        return Dval::Int(value.int_());
      case Value::kFloat:
        return Dval::Float(value.float_());
      case Value::kBool:
        return Dval::Bool(value.bool_());
      case Value::kNull:
        return Dval::Null();
      case Value::kString:
        return NormalString(arena_, value.string());
      case Value::kCharacter:
        return NormalString(arena_, value.character(), Tag::kCharacter);
      case Value::kList:
        return Items(Tag::kList, value.list());
      case Value::kTuple:
        return Items(Tag::kTuple, value.tuple());
      case Value::kObject:
        return Object(value.object());
      case Value::kError:
        return MakeError(arena_, value.error().message(), value.error().expr_id());
      case Value::kIncomplete:
        return Dval::Incomplete();
      case Value::kErrorRail:
        return Wrapped(Tag::kErrorRail, value.error_rail());
      case Value::kResponse:
        return Response(value.response());
      case Value::kDatastore:
        return MakeTextual(arena_, Tag::kDatastore, value.datastore());
      case Value::kDateMs:
        return Dval::Date(value.date_ms());
      case Value::kUuid:
        if (value.uuid().size() != 16) return std::nullopt;
        return MakeTextual(arena_, Tag::kUuid, value.uuid());
      case Value::kJust:
        return Wrapped(Tag::kJust, value.just());
      case Value::kNothing:
        return Dval::Nothing();
      case Value::kOk:
        return Wrapped(Tag::kOk, value.ok());
      case Value::kErrorResult:
        return Wrapped(Tag::kErrorResult, value.error_result());
      case Value::kBytes:
        return MakeTextual(arena_, Tag::kBytes, value.bytes());
      case Value::kPassword:
      case Value::kFunction:
      case Value::KIND_NOT_SET:
        return std::nullopt;
    }
    return std::nullopt;
  }

  std::optional<Dval> Items(Tag tag, const proto::ValueList& list) {
    auto count = static_cast<size_t>(list.items_size());
    Dval* items = arena_.Array<Dval>(count);
    for (size_t i = 0; i < count; ++i) {
      auto item = Read(list.items(static_cast<int>(i)));
      if (!item) return std::nullopt;
      items[i] = *item;
    }
    return MakeItems(arena_, tag, items, count);
  }

  std::optional<Dval> Object(const proto::ValueObject& object) {
    const ObjectNode* made = nullptr;
    for (const proto::ValueField& field : object.fields()) {
      auto value = Read(field.value());
      if (!value) return std::nullopt;
      made = ObjectSet(arena_, made, NormalString(arena_, field.key()).text, *value);
    }
    return Dval::Object(made);
  }

  std::optional<Dval> Wrapped(Tag tag, const proto::Value& value) {
    auto inner = Read(value);
    if (!inner) return std::nullopt;
    return MakeWrapped(arena_, tag, *inner);
  }

  std::optional<Dval> Response(const proto::ResponseValue& response) {
    ResponseData made{response.status(), nullptr, {}, {}};
    if (!response.redirect().empty()) {
      const Text* to = MakeText(arena_, response.redirect());
      made.redirect = {to->data, to->size};
    } else if (response.has_body()) {
      auto body = Read(response.body());
      if (!body) return std::nullopt;
      made.body = *body;
    }
    for (const proto::Header& header : response.headers())
      made.headers = ObjectSet(arena_, made.headers, MakeText(arena_, header.name()),
                               NormalString(arena_, header.value()));
    return MakeResponse(arena_, made);
  }

  Arena& arena_;
  size_t levels_ = 0;
};

}  // namespace

std::optional<Dval> ReadValue(Arena& arena, const proto::Value& value) {
  return Reader(arena).Read(value);
}

}  // namespace nightjar::lang
