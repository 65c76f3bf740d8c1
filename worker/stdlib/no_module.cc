#include "worker/lang/repr.h"
#include "worker/stdlib/library.h"

namespace nightjar::lang {

namespace {

// A form with a field for each key. Nothing is escaped: it was only ever there to show something.
Dval ToForm(const Call& call) {
  std::string inputs;
  ObjectEach(call[0].object, [&](const Text* key, const Dval&) {
    std::string name(key->data, key->size);
    if (!inputs.empty()) inputs += "\n";
    inputs += "<label for=\"" + name + "\">" + name + ":</label>\n<input id=\"" + name +
              "\" type=\"text\" name=\"" + name + "\">";
    return true;
  });
  return call.String("<form action=\"" + std::string(call[1].view()) + "\" method=\"post\">\n" +
                     inputs + "\n<input type=\"submit\" value=\"Save\">\n</form>");
}

}  // namespace

void AddNoModule(Tables& tables) {
  using enum IntOperator;
  Module m(tables, "");
  m.Add("equals", 0, {{"a", kAny}, {"b", kAny}}, kBool,
        [](const Call& call) { return Dval::Bool(Equal(call[0], call[1])); })
      .Fast(kEqual)
      .Infix("==");
  m.Add("notEquals", 0, {{"a", kAny}, {"b", kAny}}, kBool,
        [](const Call& call) { return Dval::Bool(!Equal(call[0], call[1])); })
      .Fast(kNotEqual)
      .Infix("!=");
  m.Add("toString", 0, {{"v", kAny}}, kStr,
        [](const Call& call) { return call.String(ReadableText(call[0])); });
  m.Add("toRepr", 0, {{"v", kAny}}, kStr, [](const Call& call) {
     return call.String(Repr(call[0]));
   }).Deprecated("it is for messages to developers");
  m.Add("assoc", 0, {{"obj", kDict}, {"key", kStr}, {"val", kAny}}, kDict, [](const Call& call) {
     return Dval::Object(ObjectSet(call.arena, call[0].object, call[1].text, call[2]));
   }).Deprecated("Dict.set_v0");
  m.Add("dissoc", 0, {{"obj", kDict}, {"key", kStr}}, kDict, [](const Call& call) {
     if (ObjectGet(call[0].object, call[1].view()) == nullptr) return call[0];
     return Dval::Object(ObjectRemove(call.arena, call[0].object, call[1].view()));
   }).Deprecated("Dict.remove_v0");
  m.Add("toForm", 0, {{"obj", kDict}, {"submit", kStr}}, kStr, ToForm)
      .Deprecated("it is for demonstrations only");
}

}  // namespace nightjar::lang
