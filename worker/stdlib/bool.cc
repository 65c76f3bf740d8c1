#include "worker/stdlib/library.h"

namespace nightjar::lang {

void AddBool(Tables& tables) {
  Module m(tables, "Bool");
  m.Add("not", 0, {{"b", kBool}}, kBool,
        [](const Call& call) { return Dval::Bool(!call[0].boolean()); });
  m.Add("and", 0, {{"a", kBool}, {"b", kBool}}, kBool,
        [](const Call& call) { return Dval::Bool(call[0].boolean() && call[1].boolean()); });
  m.Add("or", 0, {{"a", kBool}, {"b", kBool}}, kBool,
        [](const Call& call) { return Dval::Bool(call[0].boolean() || call[1].boolean()); });
  m.Add("xor", 0, {{"a", kBool}, {"b", kBool}}, kBool,
        [](const Call& call) { return Dval::Bool(call[0].boolean() != call[1].boolean()); });
  m.Add("isNull", 0, {{"check", kAny}}, kBool,
        [](const Call& call) { return Dval::Bool(call[0].Is(Tag::kNull)); });
  // The one function that an error can be given to.
  m.Add("isError", 0, {{"check", kAny}}, kBool, [](const Call& call) {
     return Dval::Bool(call[0].Is(Tag::kError));
   }).Deprecated("errors are not values to work with");
}

}  // namespace nightjar::lang
