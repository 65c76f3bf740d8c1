// The part of String that takes text apart and puts it together.
#include <algorithm>
#include <cstdint>
#include <vector>

#include "worker/lang/repr.h"
#include "worker/lang/unicode.h"
#include "worker/stdlib/find_text.h"
#include "worker/stdlib/library.h"

namespace nightjar::lang {
namespace {

// All at once: whoever calls a program's functions in between may come here again.
std::vector<std::string_view> AllGraphemes(std::string_view text) {
  std::vector<std::string_view> parts;
  Graphemes graphemes(text);
  for (std::string_view next = graphemes.Next(); !next.empty(); next = graphemes.Next())
    parts.push_back(next);
  return parts;
}

Dval ListOf(const Call& call, const std::vector<std::string_view>& parts, Tag tag) {
  Dval* items = call.arena.Array<Dval>(parts.size());
  for (size_t i = 0; i < parts.size(); ++i) items[i] = ShareString(call.arena, parts[i], tag);
  return MakeList(call.arena, items, parts.size());
}

std::vector<std::string_view> Separated(std::string_view text, std::string_view separator) {
  if (separator.empty()) return AllGraphemes(text);
  std::vector<std::string_view> parts;
  size_t from = 0;
  for (size_t at; (at = FindText(text, separator, from)) != std::string_view::npos;
       from = at + separator.size())
    parts.push_back(text.substr(from, at - from));
  parts.push_back(text.substr(from));
  return parts;
}

// The first version has nothing where the text begins or ends with a separator.
Dval SplitV0(const Call& call) {
  auto parts = Separated(call[0].view(), call[1].view());
  if (!parts.empty() && parts.front().empty()) parts.erase(parts.begin());
  if (!parts.empty() && parts.back().empty()) parts.pop_back();
  return ListOf(call, parts, Tag::kString);
}

// The second finds characters only: the end of a line in two code points has no half.
Dval Split(const Call& call) {
  std::string_view text = call[0].view();
  std::string_view separator = call[1].view();
  auto characters = AllGraphemes(text);
  if (separator.empty()) return ListOf(call, characters, Tag::kString);
  auto between_characters = [&](size_t offset) {
    const char* place = text.data() + offset;
    return offset == text.size() ||
           std::binary_search(
               characters.begin(), characters.end(), std::string_view(place, 1),
               [](std::string_view a, std::string_view b) { return a.data() < b.data(); });
  };
  std::vector<std::string_view> parts;
  size_t begin = 0;
  size_t from = 0;
  for (size_t at; (at = FindText(text, separator, from)) != std::string_view::npos;) {
    size_t end = at + separator.size();
    from = at + 1;
    if (!between_characters(at) || !between_characters(end)) continue;
    parts.push_back(text.substr(begin, at - begin));
    begin = from = end;
  }
  parts.push_back(text.substr(begin));
  return ListOf(call, parts, Tag::kString);
}

// One text can be in a list a million times: what comes of that is measured before it is made.
Dval Join(const Call& call) {
  size_t size = 0;
  for (const Dval& part : call[0]) {
    if (part.fake()) return part;
    if (!part.Is(Tag::kString))
      return call.Error("Expected `l` to be a list of Strs, but the list contained `" + Repr(part) +
                        "`");
    size += part.view().size() + call[1].view().size();
  }
  call.arena.Require(size);
  std::string whole;
  whole.reserve(size);
  for (const Dval& part : call[0]) {
    if (&part != call[0].begin()) whole += call[1].view();
    whole += part.view();
  }
  return MakeString(call.arena, whole);  // not made normal: it never was
}

Dval ReplaceAll(const Call& call) {
  std::string_view text = call[0].view();
  std::string_view wanted = call[1].view();
  std::string_view put = call[2].view();
  if (text.empty()) return wanted.empty() ? call[2] : call[0];
  // What stays, in order; `put` comes between.
  std::vector<std::string_view> kept;
  if (wanted.empty()) {  // between all characters, and around them
    kept = AllGraphemes(text);
    kept.insert(kept.begin(), std::string_view());
    kept.emplace_back();
  } else {
    kept = Separated(text, wanted);
  }
  if (kept.size() == 1) return call[0];
  size_t size = text.size() + (kept.size() - 1) * put.size();
  call.arena.Require(size);
  std::string whole;
  whole.reserve(size);
  for (size_t i = 0; i < kept.size(); ++i) whole.append(i == 0 ? "" : put).append(kept[i]);
  return call.String(whole);
}

Dval Reverse(const Call& call) {
  std::string whole;
  auto parts = AllGraphemes(call[0].view());
  for (auto part = parts.rbegin(); part != parts.rend(); ++part) whole += *part;
  return call.String(whole);
}

Dval ToList(const Call& call) {
  return ListOf(call, AllGraphemes(call[0].view()), Tag::kCharacter);
}

Dval FromList(const Call& call) {
  std::string whole;
  for (const Dval& part : call[0]) {
    if (part.fake()) return part;
    if (!part.Is(Tag::kCharacter))
      return call.Error("Expected `l` to be a list of Characters, but the list contained `" +
                        Repr(part) + "`");
    whole += part.view();
  }
  return call.String(whole);
}

// Every character has its turn before the first result is looked at.
Dval Foreach(const Call& call) {
  std::vector<Dval> results;
  for (std::string_view part : AllGraphemes(call[0].view()))
    results.push_back(call.Invoke(call[1], {ShareString(call.arena, part, Tag::kCharacter)}));
  for (const Dval& result : results)
    if (result.Is(Tag::kIncomplete)) return result;
  std::string whole;
  for (const Dval& result : results) {
    if (!result.Is(Tag::kCharacter)) return call.WrongReturn("fn", "a Character", result);
    whole += result.view();
  }
  return call.String(whole);
}

// A number of characters that a program asks for, as one that no text is longer than.
size_t Characters(int64_t wanted) {
  return wanted < 0 ? 0 : static_cast<size_t>(wanted);
}

// Where a part begins or ends, counted from the end when negative, within the text.
size_t Position(int64_t wanted, size_t length) {
  auto size = static_cast<int64_t>(length);
  if (wanted < 0) return static_cast<size_t>(std::max<int64_t>(0, wanted + size));
  return static_cast<size_t>(std::min(wanted, size));
}

Dval Slice(const Call& call) {
  std::string_view text = call[0].view();
  size_t length = CountGraphemes(text);
  size_t from = Position(call[1].integer, length);
  size_t to = Position(call[2].integer, length);
  if (from >= to) return call.String("");
  size_t begin = GraphemeOffset(text, from);
  return ShareString(call.arena, text.substr(begin, GraphemeOffset(text, to) - begin));
}

// The offset of the last `count` characters.
size_t OffsetFromEnd(std::string_view text, int64_t count) {
  size_t length = CountGraphemes(text);
  return GraphemeOffset(text, length - std::min(length, Characters(count)));
}

enum class Side { kStart, kEnd };
template <Side kSide>
Dval Pad(const Call& call) {
  std::string_view text = call[0].view();
  std::string_view with = call[1].view();
  if (CountGraphemes(with) != 1) return call.ArgumentError(1, "1 character long");
  size_t length = CountGraphemes(text);
  size_t missing = Characters(call[2].integer) - std::min(length, Characters(call[2].integer));
  call.arena.Require(missing > SIZE_MAX / with.size() ? SIZE_MAX : missing * with.size());
  std::string padding;
  padding.reserve(missing * with.size());
  for (size_t i = 0; i < missing; ++i) padding += with;
  return call.String(kSide == Side::kStart ? padding.append(text)
                                           : std::string(text).append(padding));
}

void AddLists(Module& m) {
  m.Add("split", 0, {{"s", kStr}, {"separator", kStr}}, kStrings, SplitV0)
      .Deprecated("String.split_v1");
  m.Add("split", 1, {{"s", kStr}, {"separator", kStr}}, kStrings, Split);
  m.Add("join", 0, {{"l", kStrings}, {"separator", kStr}}, kStr, Join);
  m.Add("toList", 0, {{"s", kStr}}, kList, RemovedFunction).Deprecated("String.toList_v1");
  m.Add("toList", 1, {{"s", kStr}}, kList, ToList);
  m.Add("fromList", 0, {{"l", kList}}, kStr, RemovedFunction).Deprecated("String.fromList_v1");
  m.Add("fromList", 1, {{"l", kList}}, kStr, FromList);
  m.Add("fromChar", 0, {{"c", kCharacter}}, kStr, RemovedFunction).Deprecated("String.fromChar_v1");
  m.Add("fromChar", 1, {{"c", kCharacter}}, kStr,
        [](const Call& call) { return ShareString(call.arena, call[0].view()); });
  m.Add("foreach", 0, {{"s", kStr}, {"fn", kFunction}}, kStr, RemovedFunction)
      .Deprecated("String.foreach_v1");
  m.Add("foreach", 1, {{"s", kStr}, {"fn", kFunction}}, kStr, Foreach).Calls();
}

void AddCuts(Module& m) {
  auto cut = [&](std::string_view name, Implementation run) {
    m.Add(name, 0, {{"string", kStr}, {"characterCount", kInt}}, kStr, run);
  };
  cut("first", [](const Call& call) {
    std::string_view text = call[0].view();
    return ShareString(call.arena,
                       text.substr(0, GraphemeOffset(text, Characters(call[1].integer))));
  });
  cut("dropFirst", [](const Call& call) {
    std::string_view text = call[0].view();
    return ShareString(call.arena, text.substr(GraphemeOffset(text, Characters(call[1].integer))));
  });
  cut("last", [](const Call& call) {
    std::string_view text = call[0].view();
    return ShareString(call.arena, text.substr(OffsetFromEnd(text, call[1].integer)));
  });
  cut("dropLast", [](const Call& call) {
    std::string_view text = call[0].view();
    return ShareString(call.arena, text.substr(0, OffsetFromEnd(text, call[1].integer)));
  });
  m.Add("slice", 0, {{"string", kStr}, {"from", kInt}, {"to", kInt}}, kStr, Slice);
}

}  // namespace

void AddStringParts(Tables& tables) {
  Module m(tables, "String");
  AddLists(m);
  AddCuts(m);
  m.Add("replaceAll", 0, {{"s", kStr}, {"searchFor", kStr}, {"replaceWith", kStr}}, kStr,
        ReplaceAll);
  m.Add("reverse", 0, {{"string", kStr}}, kStr, Reverse);
  m.Add("padStart", 0, {{"string", kStr}, {"padWith", kStr}, {"goalLength", kInt}}, kStr,
        Pad<Side::kStart>);
  m.Add("padEnd", 0, {{"string", kStr}, {"padWith", kStr}, {"goalLength", kInt}}, kStr,
        Pad<Side::kEnd>);
}

}  // namespace nightjar::lang
