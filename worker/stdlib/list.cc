#include <algorithm>
#include <vector>

#include "worker/lang/repr.h"
#include "worker/stdlib/library.h"
#include "worker/stdlib/random.h"

namespace nightjar::lang {
namespace {

Dval Part(const Call& call, const Dval& list, size_t from, size_t count) {
  return MakeList(call.arena, list.begin() + from, count);
}

// A number of items that a program asks for, within a list.
size_t Within(int64_t wanted, size_t count) {
  if (wanted <= 0) return 0;
  return std::min(static_cast<uint64_t>(wanted), static_cast<uint64_t>(count));
}

Dval Just(const Call& call, const Dval& value) {
  return MakeWrapped(call.arena, Tag::kJust, value);
}

template <uint32_t kVersion>
Dval AnItem(const Call& call, const Dval* item) {
  if (item == nullptr) return kVersion == 0 ? Dval::Null() : Dval::Nothing();
  if (kVersion == 0) return *item;
  return kVersion == 1 ? Just(call, *item) : call.Wrapped(Tag::kJust, *item);
}

template <uint32_t kVersion>
Dval Head(const Call& call) {
  return AnItem<kVersion>(call, call[0].count() == 0 ? nullptr : call[0].begin());
}
template <uint32_t kVersion>
Dval Last(const Call& call) {
  return AnItem<kVersion>(call, call[0].count() == 0 ? nullptr : call[0].end() - 1);
}

// Versions 0 and 1 are as the versions 1 and 2 of head.
template <uint32_t kVersion>
Dval GetAt(const Call& call) {
  int64_t index = call[1].integer;
  bool there = index >= 0 && static_cast<uint64_t>(index) < call[0].count();
  return AnItem<kVersion + 1>(call, there ? call[0].begin() + index : nullptr);
}

Dval Tail(const Call& call) {
  if (call[0].count() == 0) return Dval::Nothing();
  return Just(call, Part(call, call[0], 1, call[0].count() - 1));
}

Dval Append(const Call& call) {
  size_t first = call[0].count();
  size_t count = first + call[1].count();
  if (call[1].count() == 0) return call[0];
  Dval* items = call.arena.Array<Dval>(count);
  std::copy(call[0].begin(), call[0].end(), items);
  std::copy(call[1].begin(), call[1].end(), items + first);
  return MakeList(call.arena, items, count);
}

Dval Flatten(const Call& call) {
  size_t count = 0;
  for (const Dval& list : call[0]) {
    if (!list.Is(Tag::kList)) return call.Error("Flattening non-lists");
    count += list.count();
  }
  Dval* items = call.arena.Array<Dval>(count);
  Dval* at = items;
  for (const Dval& list : call[0]) at = std::copy(list.begin(), list.end(), at);
  return MakeList(call.arena, items, count);
}

Dval Reverse(const Call& call) {
  Dval* items = call.arena.Array<Dval>(call[0].count());
  std::reverse_copy(call[0].begin(), call[0].end(), items);
  return MakeList(call.arena, items, call[0].count());
}

Dval Range(const Call& call) {
  int64_t low = call[0].integer;
  int64_t high = call[1].integer;
  if (low > high) return MakeList(call.arena, nullptr, 0);
  uint64_t count = static_cast<uint64_t>(high) - static_cast<uint64_t>(low) + 1;
  if (count == 0) throw std::bad_alloc();  // every integer there is
  Dval* items = call.arena.Array<Dval>(count);
  for (uint64_t i = 0; i < count; ++i)
    items[i] = Dval::Int(static_cast<int64_t>(static_cast<uint64_t>(low) + i));
  return MakeList(call.arena, items, count);
}

Dval Repeat(const Call& call) {
  if (call[0].integer < 0) return call.ArgumentError(0, "positive");
  if (call[0].integer > INT32_MAX) return call.ArgumentError(0, "less than 2147483647");
  auto count = static_cast<size_t>(call[0].integer);
  Dval* items = call.arena.Array<Dval>(count);
  std::fill_n(items, count, call[1]);
  return MakeList(call.arena, items, count);
}

Dval Member(const Call& call) {
  return Dval::Bool(std::any_of(call[0].begin(), call[0].end(),
                                [&](const Dval& item) { return Equal(item, call[1]); }));
}

Dval Interpose(const Call& call) {
  size_t count = call[0].count();
  if (count == 0) return call[0];
  Dval* items = call.arena.Array<Dval>(2 * count - 1);
  for (size_t i = 0; i < count; ++i) {
    items[2 * i] = call[0][i];
    if (i + 1 < count) items[2 * i + 1] = call[1];
  }
  return MakeList(call.arena, items, 2 * count - 1);
}

Dval Interleave(const Call& call) {
  size_t count = call[0].count() + call[1].count();
  Dval* items = call.arena.Array<Dval>(count);
  Dval* at = items;
  for (size_t i = 0; i < std::max(call[0].count(), call[1].count()); ++i)
    for (size_t side : {0, 1})
      if (i < call[side].count()) *at++ = call[side][i];
  return MakeList(call.arena, items, count);
}

Dval Zipped(const Call& call) {
  size_t count = std::min(call[0].count(), call[1].count());
  std::vector<Dval> pairs;
  for (size_t i = 0; i < count; ++i) {
    Dval pair[] = {call[0][i], call[1][i]};
    pairs.push_back(call.List(pair));
  }
  return call.List(pairs);
}

Dval Zip(const Call& call) {
  if (call[0].count() != call[1].count()) return Dval::Nothing();
  return Just(call, Zipped(call));
}

Dval UnzipError(const Call& call, const Dval& pair) {
  std::string what =
      pair.Is(Tag::kList)
          ? "It has length " + std::to_string(pair.count()) + " but should have length 2"
          : "It is of type " + std::string(TypeName(pair)) + " instead of `List`";
  return call.Error(
      "Expected the argument `pairs` to be a list with exactly two values, but it was `" +
      Repr(pair) + "`. " + what);
}

Dval Unzip(const Call& call) {
  size_t count = call[0].count();
  Dval* first = call.arena.Array<Dval>(count);
  Dval* second = call.arena.Array<Dval>(count);
  for (size_t i = 0; i < count; ++i) {
    const Dval& pair = call[0][i];
    if (pair.fake()) return pair;
    if (!pair.Is(Tag::kList) || pair.count() != 2) return UnzipError(call, pair);
    first[i] = pair[0];
    second[i] = pair[1];
  }
  Dval* both = call.arena.Array<Dval>(2);
  both[0] = MakeList(call.arena, first, count);
  both[1] = MakeList(call.arena, second, count);
  return MakeList(call.arena, both, 2);
}

Dval Sort(const Call& call) {
  size_t count = call[0].count();
  Dval* items = call.arena.Array<Dval>(count);
  std::copy(call[0].begin(), call[0].end(), items);
  std::stable_sort(items, items + count,
                   [](const Dval& a, const Dval& b) { return Compare(a, b) < 0; });
  return MakeList(call.arena, items, count);
}

Dval RandomElement(const Call& call) {
  if (call[0].count() == 0) return Dval::Nothing();
  auto last = static_cast<int64_t>(call[0].count()) - 1;
  return call.Wrapped(Tag::kJust, call[0][static_cast<size_t>(RandomBetween(0, last))]);
}

void AddItems(Module& m) {
  m.Add("head", 0, {{"list", kList}}, kAny, Head<0>).Deprecated("List.head_v1");
  m.Add("head", 1, {{"list", kList}}, kOption, Head<1>).Deprecated("List.head_v2");
  m.Add("head", 2, {{"list", kList}}, kOption, Head<2>);
  m.Add("last", 0, {{"list", kList}}, kAny, Last<0>).Deprecated("List.last_v1");
  m.Add("last", 1, {{"list", kList}}, kOption, Last<1>).Deprecated("List.last_v2");
  m.Add("last", 2, {{"list", kList}}, kOption, Last<2>);
  m.Add("getAt", 0, {{"list", kList}, {"index", kInt}}, kOption, GetAt<0>)
      .Deprecated("List.getAt_v1");
  m.Add("getAt", 1, {{"list", kList}, {"index", kInt}}, kOption, GetAt<1>);
  m.Add("tail", 0, {{"list", kList}}, kOption, Tail);
  m.Add("randomElement", 0, {{"list", kList}}, kOption, RandomElement).Impure();
  m.Add("length", 0, {{"list", kList}}, kInt,
        [](const Call& call) { return Dval::Int(static_cast<int64_t>(call[0].count())); });
  m.Add("isEmpty", 0, {{"list", kList}}, kBool,
        [](const Call& call) { return Dval::Bool(call[0].count() == 0); });
  m.Add("member", 0, {{"list", kList}, {"val", kAny}}, kBool, Member);
  m.Add("contains", 0, {{"list", kList}, {"val", kAny}}, kBool, Member)
      .Deprecated("List.member_v0");
  m.Add("take", 0, {{"list", kList}, {"count", kInt}}, kList, [](const Call& call) {
    return Part(call, call[0], 0, Within(call[1].integer, call[0].count()));
  });
  m.Add("drop", 0, {{"list", kList}, {"count", kInt}}, kList, [](const Call& call) {
    size_t dropped = Within(call[1].integer, call[0].count());
    return Part(call, call[0], dropped, call[0].count() - dropped);
  });
}

}  // namespace

void AddList(Tables& tables) {
  Module m(tables, "List");
  AddItems(m);
  m.Add("empty", 0, {}, kList, [](const Call& call) { return MakeList(call.arena, nullptr, 0); });
  m.Add("singleton", 0, {{"val", kAny}}, kList,
        [](const Call& call) { return MakeList(call.arena, call.arena.New(call[0]), 1); });
  m.Add("push", 0, {{"list", kList}, {"val", kAny}}, kList,
        [](const Call& call) { return PushFront(call.arena, call[0], call[1]); });
  m.Add("pushBack", 0, {{"list", kList}, {"val", kAny}}, kList,
        [](const Call& call) { return PushBack(call.arena, call[0], call[1]); });
  m.Add("append", 0, {{"as", kList}, {"bs", kList}}, kList, Append);
  m.Add("flatten", 0, {{"list", kList}}, kList, Flatten);
  m.Add("reverse", 0, {{"list", kList}}, kList, Reverse);
  m.Add("range", 0, {{"lowest", kInt}, {"highest", kInt}}, {Kind::kList, "List Int"}, Range);
  m.Add("repeat", 0, {{"times", kInt}, {"val", kAny}}, kList, Repeat);
  m.Add("interpose", 0, {{"list", kList}, {"sep", kAny}}, kList, Interpose);
  m.Add("interleave", 0, {{"as", kList}, {"bs", kList}}, kList, Interleave);
  m.Add("zip", 0, {{"as", kList}, {"bs", kList}}, kOption, Zip);
  m.Add("zipShortest", 0, {{"as", kList}, {"bs", kList}}, kList, Zipped);
  m.Add("unzip", 0, {{"pairs", kList}}, kList, Unzip);
  m.Add("sort", 0, {{"list", kList}}, kList, Sort);
}

}  // namespace nightjar::lang
