#include "worker/stdlib/library.h"

namespace nightjar::lang {
namespace {

template <bool kChecked>
Dval Map(const Call& call) {
  if (call[0].Is(Tag::kNothing)) return call[0];
  Dval result = call.Invoke(call[1], {*call[0].inner});
  // The first version wrapped whatever came.
  return kChecked ? call.Wrapped(Tag::kJust, result) : MakeWrapped(call.arena, Tag::kJust, result);
}

Dval Map2(const Call& call) {
  if (call[0].Is(Tag::kNothing) || call[1].Is(Tag::kNothing)) return Dval::Nothing();
  return call.Wrapped(Tag::kJust, call.Invoke(call[2], {*call[0].inner, *call[1].inner}));
}

Dval AndThen(const Call& call) {
  if (call[0].Is(Tag::kNothing)) return call[0];
  Dval result = call.Invoke(call[1], {*call[0].inner});
  if (Matches(Kind::kOption, result)) return result;
  return call.WrongReturn("fn", "a Option", result);
}

}  // namespace

void AddOption(Tables& tables) {
  Module m(tables, "Option");
  m.Add("map", 0, {{"option", kOption}, {"fn", kFunction}}, kOption, Map<false>)
      .Calls()
      .Deprecated("Option.map_v1");
  m.Add("map", 1, {{"option", kOption}, {"fn", kFunction}}, kOption, Map<true>).Calls();
  m.Add("map2", 0, {{"option1", kOption}, {"option2", kOption}, {"fn", kFunction}}, kOption, Map2)
      .Calls();
  m.Add("andThen", 0, {{"option", kOption}, {"fn", kFunction}}, kOption, AndThen).Calls();
  m.Add("withDefault", 0, {{"option", kOption}, {"default", kAny}}, kAny,
        [](const Call& call) { return call[0].Is(Tag::kNothing) ? call[1] : *call[0].inner; });
}

}  // namespace nightjar::lang
