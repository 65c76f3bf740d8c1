#include "worker/stdlib/library.h"

namespace nightjar::lang {
namespace {

// First versions wrapped whatever came; later ones let errors through.
enum class Wrap { kAsItIs, kChecked };

template <Wrap kWrap>
Dval Wrapped(const Call& call, Tag tag, const Dval& value) {
  return kWrap == Wrap::kChecked ? call.Wrapped(tag, value) : MakeWrapped(call.arena, tag, value);
}

template <Wrap kWrap>
Dval Map(const Call& call) {
  if (call[0].Is(Tag::kErrorResult)) return call[0];
  return Wrapped<kWrap>(call, Tag::kOk, call.Invoke(call[1], {*call[0].inner}));
}

template <Wrap kWrap>
Dval MapError(const Call& call) {
  if (call[0].Is(Tag::kOk)) return call[0];
  return Wrapped<kWrap>(call, Tag::kErrorResult, call.Invoke(call[1], {*call[0].inner}));
}

Dval Map2(const Call& call) {
  if (call[0].Is(Tag::kErrorResult)) return call[0];
  if (call[1].Is(Tag::kErrorResult)) return call[1];
  return call.Wrapped(Tag::kOk, call.Invoke(call[2], {*call[0].inner, *call[1].inner}));
}

Dval AndThen(const Call& call) {
  if (call[0].Is(Tag::kErrorResult)) return call[0];
  Dval result = call.Invoke(call[1], {*call[0].inner});
  if (Matches(Kind::kResult, result)) return call.Wrapped(result.tag, *result.inner);
  return call.WrongReturn("fn", "a Result", result);
}

template <Wrap kWrap>
Dval FromOption(const Call& call) {
  if (call[0].Is(Tag::kNothing)) return MakeWrapped(call.arena, Tag::kErrorResult, call[1]);
  return Wrapped<kWrap>(call, Tag::kOk, *call[0].inner);
}

template <Wrap kWrap>
Dval ToOption(const Call& call) {
  if (call[0].Is(Tag::kErrorResult)) return Dval::Nothing();
  return Wrapped<kWrap>(call, Tag::kJust, *call[0].inner);
}

}  // namespace

void AddResult(Tables& tables) {
  using enum Wrap;
  Module m(tables, "Result");
  auto both = [&](std::string_view name, Implementation first, Implementation second,
                  std::string_view instead) {
    m.Add(name, 0, {{"result", kResult}, {"fn", kFunction}}, kResult, first)
        .Calls()
        .Deprecated(instead);
    m.Add(name, 1, {{"result", kResult}, {"fn", kFunction}}, kResult, second).Calls();
  };
  both("map", Map<kAsItIs>, Map<kChecked>, "Result.map_v1");
  both("mapError", MapError<kAsItIs>, MapError<kChecked>, "Result.mapError_v1");
  both("andThen", AndThen, AndThen, "Result.andThen_v1");
  m.Add("map2", 0, {{"result1", kResult}, {"result2", kResult}, {"fn", kFunction}}, kResult, Map2)
      .Calls();
  m.Add("fromOption", 0, {{"option", kOption}, {"error", kStr}}, kResult, FromOption<kAsItIs>)
      .Deprecated("Result.fromOption_v1");
  m.Add("fromOption", 1, {{"option", kOption}, {"error", kStr}}, kResult, FromOption<kChecked>)
      .Deprecated("Result.fromOption_v2");
  m.Add("fromOption", 2, {{"option", kOption}, {"error", kAny}}, kResult, FromOption<kChecked>);
  m.Add("toOption", 0, {{"result", kResult}}, kOption, ToOption<kAsItIs>)
      .Deprecated("Result.toOption_v1");
  m.Add("toOption", 1, {{"result", kResult}}, kOption, ToOption<kChecked>);
  m.Add("withDefault", 0, {{"result", kResult}, {"default", kAny}}, kAny,
        [](const Call& call) { return call[0].Is(Tag::kErrorResult) ? call[1] : *call[0].inner; });
}

}  // namespace nightjar::lang
