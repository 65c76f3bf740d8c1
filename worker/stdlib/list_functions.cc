// The part of List that takes functions.
#include <algorithm>
#include <vector>

#include "worker/lang/repr.h"
#include "worker/stdlib/library.h"

namespace nightjar::lang {
namespace {

// Calls the function at `fn` with each item until `visit(item, result)` is false.
template <typename F>
void EachCall(const Call& call, const F& visit, size_t fn = 1) {
  for (const Dval& item : call[0])
    if (!visit(item, call.Invoke(call[fn], {item}))) return;
}

// The same for functions that have to say yes or no: visit(item, yes). The value is what came
// instead of a Bool, or null.
template <typename F>
Dval EachTest(const Call& call, const F& visit) {
  for (const Dval& item : call[0]) {
    Dval result = call.Invoke(call[1], {item});
    if (!result.Is(Tag::kBool)) return call.LambdaError("fn", "a Bool", result);
    if (!visit(item, result.boolean())) break;
  }
  return {};
}

Dval Map(const Call& call) {
  Dval* mapped = call.arena.Array<Dval>(call[0].count());
  size_t count = 0;
  const Dval* fake = nullptr;
  // Every item has its turn, also after one that went wrong: functions can have effects.
  EachCall(call, [&](const Dval&, const Dval& result) {
    mapped[count] = result;
    if (fake == nullptr && result.fake()) fake = &mapped[count];
    ++count;
    return true;
  });
  return fake != nullptr ? *fake : MakeList(call.arena, mapped, count);
}

// The first name of map leaves in the list what went wrong.
Dval Foreach(const Call& call) {
  Dval* mapped = call.arena.Array<Dval>(call[0].count());
  size_t count = 0;
  EachCall(call, [&](const Dval&, const Dval& result) {
    mapped[count++] = result;
    return true;
  });
  return MakeList(call.arena, mapped, count);
}

Dval IndexedMap(const Call& call) {
  std::vector<Dval> mapped;
  for (size_t i = 0; i < call[0].count(); ++i)
    mapped.push_back(call.Invoke(call[1], {Dval::Int(static_cast<int64_t>(i)), call[0][i]}));
  return call.List(mapped);
}

Dval Map2Shortest(const Call& call) {
  std::vector<Dval> mapped;
  for (size_t i = 0; i < std::min(call[0].count(), call[1].count()); ++i)
    mapped.push_back(call.Invoke(call[2], {call[0][i], call[1][i]}));
  return call.List(mapped);
}

Dval Map2(const Call& call) {
  if (call[0].count() != call[1].count()) return Dval::Nothing();
  return MakeWrapped(call.arena, Tag::kJust, Map2Shortest(call));  // also what went wrong
}

Dval Fold(const Call& call) {
  Dval accumulated = call[1];
  for (const Dval& item : call[0]) {
    accumulated = call.Invoke(call[2], {accumulated, item});
    if (accumulated.fake()) break;  // no function is called with it
  }
  return accumulated;
}

// What the function returned instead of a Bool, by version: the first takes what is incomplete for
// false, and only the last lets errors through as they are.
template <uint32_t kVersion>
Dval NoFilter(const Call& call, const Dval& result) {
  bool error = result.Is(Tag::kError) || (kVersion == 0 && result.Is(Tag::kErrorRail));
  if (kVersion < 2 && error) return call.WrongReturn("fn", "a Bool", result);
  return call.LambdaError("fn", "a Bool", result);
}

template <uint32_t kVersion>
Dval Filter(const Call& call) {
  Dval* kept = call.arena.Array<Dval>(call[0].count());
  size_t count = 0;
  for (const Dval& item : call[0]) {
    Dval keep = call.Invoke(call[1], {item});
    if (kVersion == 0 && keep.Is(Tag::kIncomplete)) continue;
    if (!keep.Is(Tag::kBool)) return NoFilter<kVersion>(call, keep);
    if (keep.boolean()) kept[count++] = item;
  }
  return MakeList(call.arena, kept, count);
}

Dval FilterMap(const Call& call) {
  std::vector<Dval> kept;
  for (const Dval& item : call[0]) {
    Dval result = call.Invoke(call[1], {item});
    if (!Matches(Kind::kOption, result)) return call.LambdaError("fn", "a Option", result);
    if (result.Is(Tag::kJust)) kept.push_back(*result.inner);
  }
  return call.List(kept);
}

// Whatever is not true is no match, errors too.
template <uint32_t kVersion>
Dval FindFirst(const Call& call) {
  const Dval* found = nullptr;
  EachCall(call, [&](const Dval& item, const Dval& is) {
    if (is.Is(Tag::kBool) && is.boolean()) found = &item;
    return found == nullptr;
  });
  if (found == nullptr) return kVersion == 0 ? Dval::Null() : Dval::Nothing();
  if (kVersion == 0) return *found;
  return kVersion == 1 ? MakeWrapped(call.arena, Tag::kJust, *found)
                       : call.Wrapped(Tag::kJust, *found);
}

// Every item has its turn, what is incomplete is false, and the message shows the item.
Dval All(const Call& call) {
  bool all = true;
  Dval wrong;
  EachCall(call, [&](const Dval& item, const Dval& is) {
    if (!is.Is(Tag::kBool) && !is.Is(Tag::kIncomplete))
      wrong = call.WrongReturn("fn", "a Bool", item);
    all &= is.Is(Tag::kBool) && is.boolean();
    return !wrong.fake();
  });
  return wrong.fake() ? wrong : Dval::Bool(all);
}

// Where the first item stands that the function says no to.
Dval SplitPoint(const Call& call, size_t* split) {
  *split = 0;
  return EachTest(call, [&](const Dval&, bool is) {
    if (is) ++*split;
    return is;
  });
}

Dval TakeWhile(const Call& call) {
  size_t split;
  Dval wrong = SplitPoint(call, &split);
  return wrong.fake() ? wrong : MakeList(call.arena, call[0].begin(), split);
}

Dval DropWhile(const Call& call) {
  size_t split;
  Dval wrong = SplitPoint(call, &split);
  if (wrong.fake()) return wrong;
  return MakeList(call.arena, call[0].begin() + split, call[0].count() - split);
}

Dval Partition(const Call& call) {
  std::vector<Dval> sides[2];
  Dval wrong = EachTest(call, [&](const Dval& item, bool is) {
    sides[is ? 0 : 1].push_back(item);
    return true;
  });
  if (wrong.fake()) return wrong;
  Dval* both = call.arena.Array<Dval>(2);
  for (size_t i : {0, 1}) {
    both[i] = call.List(sides[i]);
    if (both[i].fake()) return both[i];
  }
  return MakeItems(call.arena, Tag::kTuple, both, 2);
}

struct Keyed {
  Dval key;
  Dval item;
};

// Each item with what the function makes of it, in the order of that. Also errors have an order.
std::vector<Keyed> SortedByKey(const Call& call) {
  std::vector<Keyed> items;
  EachCall(call, [&](const Dval& item, const Dval& key) {
    items.push_back({key, item});
    return true;
  });
  std::stable_sort(items.begin(), items.end(),
                   [](const Keyed& a, const Keyed& b) { return Compare(a.key, b.key) < 0; });
  return items;
}

Dval SortBy(const Call& call) {
  std::vector<Dval> sorted;
  for (const Keyed& keyed : SortedByKey(call)) sorted.push_back(keyed.item);
  return call.List(sorted);
}

// The first item of each key, in the order of the items.
Dval UniqueBy(const Call& call) {
  std::vector<Keyed> items = SortedByKey(call);
  std::vector<Dval> unique;
  for (size_t i = 0; i < items.size(); ++i)
    if (i == 0 || Compare(items[i - 1].key, items[i].key) != 0) unique.push_back(items[i].item);
  std::stable_sort(unique.begin(), unique.end(),
                   [](const Dval& a, const Dval& b) { return Compare(a, b) < 0; });
  return call.List(unique);
}

// A merge sort of our own: whatever the comparator says, the library's could read out of bounds.
class ComparatorSort {
 public:
  explicit ComparatorSort(const Call& call)
      : call_(call), items_(call[0].begin(), call[0].end()), spare_(items_.size()) {}

  // False: wrong() is what the comparator returned instead of -1, 0 or 1.
  bool Sort() { return Sort(0, items_.size()); }
  const std::vector<Dval>& items() const { return items_; }
  const Dval& wrong() const { return wrong_; }

 private:
  bool Sort(size_t from, size_t to) {
    if (to - from < 2) return true;
    size_t middle = from + (to - from) / 2;
    if (!Sort(from, middle) || !Sort(middle, to)) return false;
    size_t left = from;
    size_t right = middle;
    for (size_t at = from; at < to; ++at) {
      bool take_right = left == middle;
      if (left < middle && right < to) {
        Dval order = call_.Invoke(call_[1], {items_[left], items_[right]});
        if (!order.Is(Tag::kInt) || order.integer < -1 || order.integer > 1) {
          wrong_ = order;
          return false;
        }
        take_right = order.integer > 0;
      }
      spare_[at] = items_[take_right ? right++ : left++];
    }
    std::copy(spare_.begin() + static_cast<long>(from), spare_.begin() + static_cast<long>(to),
              items_.begin() + static_cast<long>(from));
    return true;
  }

  const Call& call_;
  std::vector<Dval> items_;
  std::vector<Dval> spare_;
  Dval wrong_;
};

Dval SortByComparator(const Call& call) {
  ComparatorSort sort(call);
  if (!sort.Sort())
    return call.ErrorResult("Expected `fn` to return -1, 0, 1, but it returned `" +
                            Repr(sort.wrong()) + "`");
  return call.Wrapped(Tag::kOk, call.List(sort.items()));
}

}  // namespace

void AddListFunctions(Tables& tables) {
  Module m(tables, "List");
  auto with_fn = [&](std::string_view name, uint32_t version, Type returns, Implementation run) {
    return m.Add(name, version, {{"list", kList}, {"fn", kFunction}}, returns, run).Calls();
  };
  with_fn("map", 0, kList, Map);
  with_fn("foreach", 0, kList, Foreach).Deprecated("List.map_v0");
  with_fn("indexedMap", 0, kList, IndexedMap);
  m.Add("map2", 0, {{"as", kList}, {"bs", kList}, {"fn", kFunction}}, kOption, Map2).Calls();
  m.Add("map2shortest", 0, {{"as", kList}, {"bs", kList}, {"fn", kFunction}}, kList, Map2Shortest)
      .Calls();
  m.Add("fold", 0, {{"list", kList}, {"init", kAny}, {"fn", kFunction}}, kAny, Fold).Calls();
  with_fn("filter", 0, kList, Filter<0>).Deprecated("List.filter_v1");
  with_fn("filter", 1, kList, Filter<1>).Deprecated("List.filter_v2");
  with_fn("filter", 2, kList, Filter<2>);
  with_fn("filterMap", 0, kList, FilterMap);
  with_fn("findFirst", 0, kAny, FindFirst<0>).Deprecated("List.findFirst_v1");
  with_fn("findFirst", 1, kOption, FindFirst<1>).Deprecated("List.findFirst_v2");
  with_fn("findFirst", 2, kOption, FindFirst<2>);
  with_fn("all", 0, kBool, All);
  with_fn("takeWhile", 0, kList, TakeWhile);
  with_fn("dropWhile", 0, kList, DropWhile);
  with_fn("partition", 0, kTuple, Partition);
  with_fn("sortBy", 0, kList, SortBy);
  with_fn("uniqueBy", 0, kList, UniqueBy);
  with_fn("sortByComparator", 0, kResult, SortByComparator);
}

}  // namespace nightjar::lang
