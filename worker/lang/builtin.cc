#include "worker/lang/builtin.h"

#include <algorithm>
#include <unordered_map>

#include "worker/lang/code.h"
#include "worker/lang/unicode.h"

namespace nightjar::lang {

std::string_view KindName(Kind kind) {
  switch (kind) {
    case Kind::kAny:
      return "Any";
    case Kind::kInt:
      return "Int";
    case Kind::kFloat:
      return "Float";
    case Kind::kBool:
      return "Bool";
    case Kind::kNull:
      return "Null";
    case Kind::kStr:
      return "Str";
    case Kind::kCharacter:
      return "Character";
    case Kind::kList:
      return "List";
    case Kind::kTuple:
      return "Tuple";
    case Kind::kDict:
      return "Dict";
    case Kind::kFunction:
      return "Block";
    case Kind::kOption:
      return "Option";
    case Kind::kResult:
      return "Result";
    case Kind::kResponse:
      return "Response";
    case Kind::kDatastore:
      return "Datastore";
    case Kind::kDate:
      return "Date";
    case Kind::kPassword:
      return "Password";
    case Kind::kUuid:
      return "UUID";
    case Kind::kBytes:
      return "Bytes";
    case Kind::kError:
      return "Error";
  }
  return "";
}

bool Matches(Kind kind, const Dval& value) {
  switch (kind) {
    case Kind::kAny:
      return true;
    case Kind::kInt:
      return value.Is(Tag::kInt);
    case Kind::kFloat:
      return value.Is(Tag::kFloat);
    case Kind::kBool:
      return value.Is(Tag::kBool);
    case Kind::kNull:
      return value.Is(Tag::kNull);
    case Kind::kStr:
      return value.Is(Tag::kString);
    case Kind::kCharacter:
      return value.Is(Tag::kCharacter);
    case Kind::kList:
      return value.Is(Tag::kList);
    case Kind::kTuple:
      return value.Is(Tag::kTuple);
    case Kind::kDict:
      return value.Is(Tag::kObject);
    case Kind::kFunction:
      return value.Is(Tag::kFunction);
    case Kind::kOption:
      return value.Is(Tag::kJust) || value.Is(Tag::kNothing);
    case Kind::kResult:
      return value.Is(Tag::kOk) || value.Is(Tag::kErrorResult);
    case Kind::kResponse:
      return value.Is(Tag::kResponse);
    case Kind::kDatastore:
      return value.Is(Tag::kDatastore);
    case Kind::kDate:
      return value.Is(Tag::kDate);
    case Kind::kPassword:
      return value.Is(Tag::kPassword);
    case Kind::kUuid:
      return value.Is(Tag::kUuid);
    case Kind::kBytes:
      return value.Is(Tag::kBytes);
    case Kind::kError:
      return value.Is(Tag::kError);
  }
  return false;
}

std::optional<Kind> KindNamed(std::string_view name) {
  static const auto* const kinds = new std::unordered_map<std::string_view, Kind>{
      {"any", Kind::kAny},       {"int", Kind::kInt},           {"integer", Kind::kInt},
      {"float", Kind::kFloat},   {"bool", Kind::kBool},         {"boolean", Kind::kBool},
      {"null", Kind::kNull},     {"nothing", Kind::kNull},      {"str", Kind::kStr},
      {"string", Kind::kStr},    {"char", Kind::kCharacter},    {"character", Kind::kCharacter},
      {"list", Kind::kList},     {"tuple", Kind::kTuple},       {"dict", Kind::kDict},
      {"obj", Kind::kDict},      {"object", Kind::kDict},       {"block", Kind::kFunction},
      {"fn", Kind::kFunction},   {"function", Kind::kFunction}, {"option", Kind::kOption},
      {"result", Kind::kResult}, {"response", Kind::kResponse}, {"datastore", Kind::kDatastore},
      {"db", Kind::kDatastore},  {"date", Kind::kDate},         {"password", Kind::kPassword},
      {"uuid", Kind::kUuid},     {"bytes", Kind::kBytes},
  };
  std::string lower(name.substr(0, name.find_first_of("<[(")));
  if (name.starts_with('[')) lower = "list";  // "[Int]"
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  auto found = kinds->find(lower);
  if (found == kinds->end()) return std::nullopt;
  return found->second;
}

std::string_view NameOf(const Closure& closure) {
  if (closure.builtin != nullptr) return closure.builtin->full_name;
  if (closure.function != nullptr) return closure.function->name;
  return "lambda";
}

Dval Call::List(std::span<const Dval> items) const {
  for (const Dval& item : items)
    if (item.fake()) return item;
  Dval* copy = arena.Array<Dval>(items.size());
  std::copy(items.begin(), items.end(), copy);
  return MakeList(arena, copy, items.size());
}

Dval Call::Wrapped(Tag tag, const Dval& value) const {
  return value.fake() ? value : MakeWrapped(arena, tag, value);
}

Dval Call::String(std::string_view content) const {
  return NormalString(arena, content);
}

}  // namespace nightjar::lang
