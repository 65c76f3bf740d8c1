#include "worker/lang/types.h"

#include "worker/lang/stack_guard.h"

namespace nightjar::lang {
namespace {

void Add(std::string* list, std::string_view item) {
  if (!list->empty()) *list += ", ";
  *list += item;
}

// Whether the object has exactly the record's fields, and if not, what to say. Both are in order.
std::string NameMismatch(const RecordCode& record, const ObjectNode* object) {
  std::string missing;
  std::string extra;
  ObjectCursor has(object);
  for (const FieldCode& field : record.fields) {
    for (; has.node() != nullptr && has.node()->key_view() < field.name; has.Advance())
      Add(&extra, has.node()->key_view());
    if (has.node() != nullptr && has.node()->key_view() == field.name)
      has.Advance();
    else
      Add(&missing, field.name);
  }
  for (; has.node() != nullptr; has.Advance()) Add(&extra, has.node()->key_view());
  std::string message;
  if (!missing.empty()) message = "Expected but not found: [" + missing + "]";
  if (!extra.empty())
    message += (message.empty() ? "" : " & ") + ("Found but not expected: [" + extra + "]");
  return message;
}

}  // namespace

std::string Mismatch(const TypeCode& type, const Dval& value) {
  StackGuard::Check();
  if (type.record != nullptr && !type.record->declared)
    return "The type " + type.record->name + " could not be found";
  if (!Matches(type.kind, value))
    return "Expected to see a value of type " +
           std::string(type.record != nullptr ? type.record->name : KindName(type.kind)) +
           " but found a " + std::string(TypeName(value));
  if (type.record == nullptr) return "";
  std::string mismatch = NameMismatch(*type.record, value.object);
  if (!mismatch.empty()) return mismatch;
  ObjectCursor has(value.object);
  for (const FieldCode& field : type.record->fields) {
    std::string wrong = Mismatch(field.type, has.node()->value);
    if (!wrong.empty()) Add(&mismatch, wrong + " in the field `" + field.name + "`");
    has.Advance();
  }
  return mismatch;
}

}  // namespace nightjar::lang
