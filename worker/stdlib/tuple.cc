#include "worker/stdlib/library.h"

namespace nightjar::lang {
namespace {

Dval Of(const Call& call, std::initializer_list<Dval> items) {
  for (const Dval& item : items)
    if (item.fake()) return item;
  Dval* copy = call.arena.Array<Dval>(items.size());
  std::copy(items.begin(), items.end(), copy);
  return MakeItems(call.arena, Tag::kTuple, copy, items.size());
}

// Tuples of another size are another type.
template <size_t kCount, Implementation kRun>
Dval Sized(const Call& call) {
  size_t tuple = call.builtin.params.size() - 1;
  if (call[tuple].count() != kCount)
    return call.ArgumentError(tuple, "a tuple of " + std::to_string(kCount));
  return kRun(call);
}

template <size_t kIndex>
Dval Item(const Call& call) {
  return call[0][kIndex];
}

template <size_t kCount, size_t kIndex>
Dval MapItem(const Call& call) {
  const Dval& tuple = call[1];
  Dval mapped = call.Invoke(call[0], {tuple[kIndex]});
  if constexpr (kCount == 2)
    return kIndex == 0 ? Of(call, {mapped, tuple[1]}) : Of(call, {tuple[0], mapped});
  else
    return Of(call, {kIndex == 0 ? mapped : tuple[0], kIndex == 1 ? mapped : tuple[1],
                     kIndex == 2 ? mapped : tuple[2]});
}

Dval Swap(const Call& call) {
  return Of(call, {call[0][1], call[0][0]});
}

Dval MapBoth(const Call& call) {
  const Dval& tuple = call[2];
  Dval first = call.Invoke(call[0], {tuple[0]});
  Dval second = call.Invoke(call[1], {tuple[1]});
  return Of(call, {first, second});
}

Dval MapAllThree(const Call& call) {
  const Dval& tuple = call[3];
  Dval first = call.Invoke(call[0], {tuple[0]});
  Dval second = call.Invoke(call[1], {tuple[1]});
  Dval third = call.Invoke(call[2], {tuple[2]});
  return Of(call, {first, second, third});
}

}  // namespace

void AddTuple(Tables& tables) {
  Module two(tables, "Tuple2");
  two.Add("create", 0, {{"first", kAny}, {"second", kAny}}, kTuple, [](const Call& call) {
    return Of(call, {call[0], call[1]});
  });
  two.Add("first", 0, {{"tuple", kTuple}}, kAny, Sized<2, Item<0>>);
  two.Add("second", 0, {{"tuple", kTuple}}, kAny, Sized<2, Item<1>>);
  two.Add("swap", 0, {{"tuple", kTuple}}, kTuple, Sized<2, Swap>);
  two.Add("mapFirst", 0, {{"fn", kFunction}, {"tuple", kTuple}}, kTuple, Sized<2, MapItem<2, 0>>)
      .Calls();
  two.Add("mapSecond", 0, {{"fn", kFunction}, {"tuple", kTuple}}, kTuple, Sized<2, MapItem<2, 1>>)
      .Calls();
  two.Add("mapBoth", 0, {{"fnFirst", kFunction}, {"fnSecond", kFunction}, {"tuple", kTuple}},
          kTuple, Sized<2, MapBoth>)
      .Calls();
  Module three(tables, "Tuple3");
  three.Add("create", 0, {{"first", kAny}, {"second", kAny}, {"third", kAny}}, kTuple,
            [](const Call& call) {
              return Of(call, {call[0], call[1], call[2]});
            });
  three.Add("first", 0, {{"tuple", kTuple}}, kAny, Sized<3, Item<0>>);
  three.Add("second", 0, {{"tuple", kTuple}}, kAny, Sized<3, Item<1>>);
  three.Add("third", 0, {{"tuple", kTuple}}, kAny, Sized<3, Item<2>>);
  three.Add("mapFirst", 0, {{"fn", kFunction}, {"tuple", kTuple}}, kTuple, Sized<3, MapItem<3, 0>>)
      .Calls();
  three.Add("mapSecond", 0, {{"fn", kFunction}, {"tuple", kTuple}}, kTuple, Sized<3, MapItem<3, 1>>)
      .Calls();
  three.Add("mapThird", 0, {{"fn", kFunction}, {"tuple", kTuple}}, kTuple, Sized<3, MapItem<3, 2>>)
      .Calls();
  three
      .Add("mapAllThree", 0,
           {{"fnFirst", kFunction},
            {"fnSecond", kFunction},
            {"fnThird", kFunction},
            {"tuple", kTuple}},
           kTuple, Sized<3, MapAllThree>)
      .Calls();
}

}  // namespace nightjar::lang
