#include "worker/lang/json_writer.h"
#include "worker/stdlib/library.h"
#include "worker/stdlib/tagged_json.h"

namespace nightjar::lang {

const ObjectNode* MergedObjects(Arena& arena, const ObjectNode* left, const ObjectNode* right);

void AddObject(Tables& tables) {
  Module m(tables, "Object");
  m.Add("empty", 0, {}, kDict, [](const Call&) {
     return Dval::Object(nullptr);
   }).Deprecated("Dict.empty_v0");
  m.Add("merge", 0, {{"left", kDict}, {"right", kDict}}, kDict, [](const Call& call) {
     return Dval::Object(MergedObjects(call.arena, call[0].object, call[1].object));
   }).Deprecated("Dict.merge_v0");
  m.Add("toJSON", 0, {{"obj", kDict}}, kStr, [](const Call& call) {
     return call.String(TaggedJson(call[0]));
   }).Deprecated("Object.toJSON_v1");
  m.Add("toJSON", 1, {{"obj", kDict}}, kStr, [](const Call& call) {
     return call.String(PrettyJson(call[0]));
   }).Deprecated("Dict.toJSON_v0");
}

}  // namespace nightjar::lang
