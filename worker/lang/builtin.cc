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

std::span<const std::string_view> KindNames() {
  static constexpr std::string_view kNames[] = {
      "Any",       "Int",   "Float",    "Bool",  "Null",   "Str",    "Char",
      "List",      "Tuple", "Dict",     "Block", "Option", "Result", "Response",
      "Datastore", "Date",  "Password", "UUID",  "Bytes",
  };
  return kNames;
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
