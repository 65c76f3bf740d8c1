#include "supervisor/writer/input_fields.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "ipc/core/ascii.h"
#include "ipc/core/bounds.h"
#include "ipc/core/ids.h"
#include "ipc/core/utf8.h"

namespace nightjar {
namespace {

const proto::Value* Child(const proto::Value* value, std::string_view key) {
  if (value == nullptr || !value->has_object()) return nullptr;
  for (const proto::ValueField& field : value->object().fields())
    if (field.key() == key) return &field.value();
  return nullptr;
}

// Headers are named as policy likes.
const proto::Value* Header(const proto::Value* headers, std::string_view name) {
  if (headers == nullptr || !headers->has_object()) return nullptr;
  for (const proto::ValueField& field : headers->object().fields())
    if (EqualsNoCase(field.key(), name)) return &field.value();
  return nullptr;
}

// "order.id" is the field `id` of the field `order`.
const proto::Value* AtPath(const proto::Value* value, std::string_view path) {
  while (value != nullptr && !path.empty()) {
    size_t dot = path.find('.');
    value = Child(value, path.substr(0, dot));
    path.remove_prefix(dot == path.npos ? path.size() : dot + 1);
  }
  return value;
}

// Only what is one value has a text; nullopt: it has none.
std::optional<std::string> TextOf(const proto::Value& value) {
  switch (value.kind_case()) {
    case proto::Value::kInt:
      return std::to_string(value.int_());
    case proto::Value::kBool:
      return value.bool_() ? "true" : "false";
    case proto::Value::kFloat:
      // A number of JSON that is whole is asked for as it is written.
      if (std::abs(value.float_()) < 1e15 && value.float_() == std::floor(value.float_()))
        return std::to_string(static_cast<int64_t>(value.float_()));
      return std::to_string(value.float_());
    case proto::Value::kString:
      return value.string();
    case proto::Value::kCharacter:
      return value.character();
    case proto::Value::kUuid: {
      auto id = RunId::FromBytes(value.uuid());
      return id ? std::optional(id->ToString()) : std::nullopt;
    }
    default:
      return std::nullopt;
  }
}

std::optional<std::string> Find(const proto::RunStart& start, const std::string& name) {
  for (const proto::Header& variable : start.variables())
    if (variable.name() == name) return variable.value();
  const proto::Value& input = start.input();
  const bool request = Child(&input, "headers") != nullptr && Child(&input, "url") != nullptr;
  const proto::Value* places[] = {
      request ? Child(Child(&input, "queryParams"), name) : AtPath(&input, name),
      request ? AtPath(Child(&input, "jsonBody"), name) : nullptr,
      request ? Child(Child(&input, "formBody"), name) : nullptr,
      request ? Header(Child(&input, "headers"), name) : nullptr,
      request ? Child(Child(&input, "cookies"), name) : nullptr,
  };
  for (const proto::Value* place : places) {
    if (place == nullptr) continue;
    if (auto text = TextOf(*place)) return text;
  }
  return std::nullopt;
}

}  // namespace

std::string_view FieldValue(std::string_view value) {
  return Utf8Prefix(value, bounds::kTraceIndexValueBytes);
}

google::protobuf::RepeatedPtrField<proto::InputField> InputFields(
    const proto::RunStart& start, const google::protobuf::RepeatedPtrField<std::string>& names) {
  google::protobuf::RepeatedPtrField<proto::InputField> fields;
  const int count = std::min(names.size(), static_cast<int>(bounds::kTraceIndexFields));
  for (int i = 0; i < count; ++i) {
    auto text = Find(start, names[i]);
    if (!text) continue;
    proto::InputField& field = *fields.Add();
    field.set_name(names[i]);
    field.set_value(std::string(FieldValue(*text)));
  }
  return fields;
}

}  // namespace nightjar
