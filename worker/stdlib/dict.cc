#include <algorithm>
#include <vector>

#include "worker/lang/json_writer.h"
#include "worker/lang/repr.h"
#include "worker/lang/unicode.h"
#include "worker/stdlib/library.h"

namespace nightjar::lang {
namespace {

Dval KeyOf(const Call& call, const Text* key) {
  return ShareString(call.arena, {key->data, key->size});
}

template <typename F>
Dval Collect(const Call& call, const F& item) {
  std::vector<Dval> items;
  ObjectEach(call[0].object, [&](const Text* key, const Dval& value) {
    items.push_back(item(key, value));
    return true;
  });
  Dval* copy = call.arena.Array<Dval>(items.size());
  std::copy(items.begin(), items.end(), copy);
  return MakeList(call.arena, copy, items.size());
}

Dval Keys(const Call& call) {
  return Collect(call, [&](const Text* key, const Dval&) { return KeyOf(call, key); });
}
Dval Values(const Call& call) {
  return Collect(call, [](const Text*, const Dval& value) { return value; });
}
Dval ToList(const Call& call) {
  return Collect(call, [&](const Text* key, const Dval& value) {
    Dval pair[] = {KeyOf(call, key), value};
    Dval* copy = call.arena.Array<Dval>(2);
    std::copy_n(pair, 2, copy);
    return MakeList(call.arena, copy, 2);
  });
}

Dval PairError(const Call& call, const Dval& item) {
  if (item.Is(Tag::kError) || item.Is(Tag::kIncomplete)) return item;
  if (!item.Is(Tag::kList) || item.count() != 2)
    return call.Error("All list items must be `[key, value]`");
  return call.Error("Expected the argument `key` to be a string, but it was `" + Repr(item[0]) +
                    "`");
}

bool IsPair(const Dval& item) {
  return item.Is(Tag::kList) && item.count() == 2 && item[0].Is(Tag::kString);
}

Dval FromListOverwriting(const Call& call) {
  const ObjectNode* object = nullptr;
  for (const Dval& item : call[0]) {
    if (!IsPair(item)) return PairError(call, item);
    object = ObjectSet(call.arena, object, item[0].text, item[1]);
  }
  return Dval::Object(object);
}

// Nothing when a key is there twice; only what stands before that is looked at.
Dval FromList(const Call& call) {
  const ObjectNode* object = nullptr;
  for (const Dval& item : call[0]) {
    if (!IsPair(item)) return PairError(call, item);
    if (ObjectGet(object, item[0].view()) != nullptr) return Dval::Nothing();
    object = ObjectSet(call.arena, object, item[0].text, item[1]);
  }
  return MakeWrapped(call.arena, Tag::kJust, Dval::Object(object));
}

// What is incomplete is left out, another fake value is the whole.
Dval Rebuilt(const Call& call, bool with_key) {
  const ObjectNode* object = nullptr;
  Dval fake;
  ObjectEach(call[0].object, [&](const Text* key, const Dval& value) {
    Dval mapped =
        with_key ? call.Invoke(call[1], {KeyOf(call, key), value}) : call.Invoke(call[1], {value});
    if (mapped.Is(Tag::kIncomplete)) return true;
    if (mapped.fake()) fake = mapped;
    object = ObjectSet(call.arena, object, key, mapped);
    return !mapped.fake();
  });
  return fake.fake() ? fake : Dval::Object(object);
}

Dval Filter(const Call& call) {
  const ObjectNode* object = nullptr;
  Dval wrong;
  ObjectEach(call[0].object, [&](const Text* key, const Dval& value) {
    Dval keep = call.Invoke(call[1], {KeyOf(call, key), value});
    if (!keep.Is(Tag::kBool)) {
      wrong = call.LambdaError("fn", "a Bool", keep);
      return false;
    }
    if (keep.boolean()) object = ObjectSet(call.arena, object, key, value);
    return true;
  });
  return wrong.fake() ? wrong : Dval::Object(object);
}

Dval FilterMap(const Call& call) {
  const ObjectNode* object = nullptr;
  Dval wrong;
  ObjectEach(call[0].object, [&](const Text* key, const Dval& value) {
    Dval mapped = call.Invoke(call[1], {KeyOf(call, key), value});
    if (!Matches(Kind::kOption, mapped)) {
      wrong = call.LambdaError("fn", "a Option", mapped);
      return false;
    }
    if (mapped.Is(Tag::kJust)) object = ObjectSet(call.arena, object, key, *mapped.inner);
    return true;
  });
  return wrong.fake() ? wrong : Dval::Object(object);
}

template <uint32_t kVersion>
Dval Get(const Call& call) {
  const Dval* value = ObjectGet(call[0].object, call[1].view());
  if (value == nullptr) return kVersion == 0 ? Dval::Null() : Dval::Nothing();
  if (kVersion == 0) return *value;
  if (kVersion == 1) return MakeWrapped(call.arena, Tag::kJust, *value);
  return call.Wrapped(Tag::kJust, *value);
}

}  // namespace

const ObjectNode* MergedObjects(Arena& arena, const ObjectNode* left, const ObjectNode* right) {
  ObjectEach(right, [&](const Text* key, const Dval& value) {
    left = ObjectSet(arena, left, key, value);
    return true;
  });
  return left;
}

void AddDict(Tables& tables) {
  Module m(tables, "Dict");
  m.Add("empty", 0, {}, kDict, [](const Call&) { return Dval::Object(nullptr); });
  m.Add("singleton", 0, {{"key", kStr}, {"value", kAny}}, kDict, [](const Call& call) {
    return Dval::Object(ObjectSet(call.arena, nullptr, call[0].text, call[1]));
  });
  m.Add("size", 0, {{"dict", kDict}}, kInt, [](const Call& call) {
    return Dval::Int(static_cast<int64_t>(ObjectSize(call[0].object)));
  });
  m.Add("isEmpty", 0, {{"dict", kDict}}, kBool,
        [](const Call& call) { return Dval::Bool(call[0].object == nullptr); });
  m.Add("keys", 0, {{"dict", kDict}}, kStrings, Keys);
  m.Add("values", 0, {{"dict", kDict}}, kList, Values);
  m.Add("toList", 0, {{"dict", kDict}}, kList, ToList);
  m.Add("fromListOverwritingDuplicates", 0, {{"entries", kList}}, kDict, FromListOverwriting);
  m.Add("fromList", 0, {{"entries", kList}}, kOption, FromList);
  m.Add("get", 0, {{"dict", kDict}, {"key", kStr}}, kAny, Get<0>).Deprecated("Dict.get_v1");
  m.Add("get", 1, {{"dict", kDict}, {"key", kStr}}, kOption, Get<1>).Deprecated("Dict.get_v2");
  m.Add("get", 2, {{"dict", kDict}, {"key", kStr}}, kOption, Get<2>);
  m.Add("member", 0, {{"dict", kDict}, {"key", kStr}}, kBool, [](const Call& call) {
    return Dval::Bool(ObjectGet(call[0].object, call[1].view()) != nullptr);
  });
  m.Add("set", 0, {{"dict", kDict}, {"key", kStr}, {"val", kAny}}, kDict, [](const Call& call) {
    return Dval::Object(ObjectSet(call.arena, call[0].object, call[1].text, call[2]));
  });
  m.Add("remove", 0, {{"dict", kDict}, {"key", kStr}}, kDict, [](const Call& call) {
    if (ObjectGet(call[0].object, call[1].view()) == nullptr) return call[0];
    return Dval::Object(ObjectRemove(call.arena, call[0].object, call[1].view()));
  });
  m.Add("merge", 0, {{"left", kDict}, {"right", kDict}}, kDict, [](const Call& call) {
    return Dval::Object(MergedObjects(call.arena, call[0].object, call[1].object));
  });
  m.Add("map", 0, {{"dict", kDict}, {"fn", kFunction}}, kDict, [](const Call& call) {
     return Rebuilt(call, true);
   }).Calls();
  m.Add("foreach", 0, {{"dict", kDict}, {"fn", kFunction}}, kDict,
        [](const Call& call) { return Rebuilt(call, false); })
      .Calls()
      .Deprecated("Dict.map_v0");
  m.Add("filter", 0, {{"dict", kDict}, {"fn", kFunction}}, kDict, Filter)
      .Calls()
      .Deprecated("Dict.filter_v1");
  m.Add("filter", 1, {{"dict", kDict}, {"fn", kFunction}}, kDict, Filter).Calls();
  m.Add("filterMap", 0, {{"dict", kDict}, {"fn", kFunction}}, kDict, FilterMap).Calls();
  m.Add("toJSON", 0, {{"dict", kDict}}, kStr,
        [](const Call& call) { return call.String(PrettyJson(call[0])); });
}

}  // namespace nightjar::lang
