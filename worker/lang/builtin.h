// What a library function is: one row in a table of worker/stdlib, from which calls, messages and
// documentation come.
//
// The evaluator checks the number and the outer types of arguments, and that none is fake, before
// it calls an implementation; so args[i] may be used as what the row says. An implementation
// returns its value, or an error value: it never throws but for StackExhausted and std::bad_alloc.
// Single thread.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "worker/lang/value.h"

namespace nightjar::lang {

class Evaluator;
struct Builtin;

// A type as rows say it: the outer kind is what is checked, `text` is what documentation shows.
enum class Kind : uint8_t {
  kAny,
  kInt,
  kFloat,
  kBool,
  kNull,
  kStr,
  kCharacter,
  kList,
  kTuple,
  kDict,
  kFunction,
  kOption,
  kResult,
  kResponse,
  kDatastore,
  kDate,
  kPassword,
  kUuid,
  kBytes,
  kError,
};
struct Type {
  Kind kind = Kind::kAny;
  std::string_view text = "Any";
};
// "Int", "Str": what messages call the kind.
std::string_view KindName(Kind kind);

// The tags of the values that a kind takes, one bit each.
constexpr uint32_t TagsOf(Kind kind) {
  constexpr auto bits = [](auto... tags) {
    return (0u | ... | (1u << static_cast<uint32_t>(tags)));
  };
  switch (kind) {
    case Kind::kAny:
      return UINT32_MAX;
    case Kind::kInt:
      return bits(Tag::kInt);
    case Kind::kFloat:
      return bits(Tag::kFloat);
    case Kind::kBool:
      return bits(Tag::kBool);
    case Kind::kNull:
      return bits(Tag::kNull);
    case Kind::kStr:
      return bits(Tag::kString);
    case Kind::kCharacter:
      return bits(Tag::kCharacter);
    case Kind::kList:
      return bits(Tag::kList);
    case Kind::kTuple:
      return bits(Tag::kTuple);
    case Kind::kDict:
      return bits(Tag::kObject);
    case Kind::kFunction:
      return bits(Tag::kFunction);
    case Kind::kOption:
      return bits(Tag::kJust, Tag::kNothing);
    case Kind::kResult:
      return bits(Tag::kOk, Tag::kErrorResult);
    case Kind::kResponse:
      return bits(Tag::kResponse);
    case Kind::kDatastore:
      return bits(Tag::kDatastore);
    case Kind::kDate:
      return bits(Tag::kDate);
    case Kind::kPassword:
      return bits(Tag::kPassword);
    case Kind::kUuid:
      return bits(Tag::kUuid);
    case Kind::kBytes:
      return bits(Tag::kBytes);
    case Kind::kError:
      return bits(Tag::kError);
  }
  return 0;
}
constexpr bool Matches(Kind kind, const Dval& value) {
  return (TagsOf(kind) >> static_cast<uint32_t>(value.tag) & 1) != 0;
}
// As headers of a canvas say it: "Int", "String", "list". None: there is no such type.
std::optional<Kind> KindNamed(std::string_view name);
// Each kind that a header can say, once.
std::span<const std::string_view> KindNames();

struct Param {
  std::string_view name;
  Type type;
};

// kPure: the same for the same arguments, without effects, and calls nothing: one event in a trace.
// kCalls: pure but for the functions that it calls. kImpure: has effects, or another result each
// time.
enum class Purity : uint8_t { kPure, kCalls, kImpure };

// One call of a library function.
struct Call {
  Evaluator& evaluator;
  Arena& arena;
  const Dval* args;
  const Builtin& builtin;
  uint64_t expr_id;

  const Dval& operator[](size_t index) const { return args[index]; }
  Dval Error(std::string_view message) const { return MakeError(arena, message, expr_id); }
  // "Unknown error": the function itself could not go on, which no argument should make it do.
  Dval Fault() const;
  // Text of any origin: made NFC.
  Dval String(std::string_view content) const;
  // A list of these; or the first of them that is fake.
  Dval List(std::span<const Dval> items) const;
  // Wraps a value; or a fake value alone.
  Dval Wrapped(Tag tag, const Dval& value) const;
  Dval Ok(std::string_view text) const { return MakeWrapped(arena, Tag::kOk, String(text)); }
  Dval ErrorResult(std::string_view text) const {
    return MakeWrapped(arena, Tag::kErrorResult, String(text));
  }
  // Calls a function value. The result may be fake.
  Dval Invoke(const Dval& function, std::initializer_list<Dval> with) const;
  // "Expected the argument `b` to be positive, but it was `0`".
  Dval ArgumentError(size_t index, std::string_view expected) const;
  // "Expected `fn` to return a Bool, but it returned `2`".
  Dval WrongReturn(std::string_view parameter, std::string_view expected,
                   const Dval& returned) const;
  // The same; or the result itself when it is fake.
  Dval LambdaError(std::string_view parameter, std::string_view expected,
                   const Dval& returned) const {
    return returned.fake() ? returned : WrongReturn(parameter, expected, returned);
  }
};

using Implementation = Dval (*)(const Call& call);

// Operators on two integers that the evaluator does itself when both are ones.
enum class IntOperator : uint8_t {
  kNone,
  kAdd,
  kSubtract,
  kMultiply,
  kLess,
  kLessOrEqual,
  kGreater,
  kGreaterOrEqual,
  kEqual,
  kNotEqual,
};

struct Builtin {
  std::string_view module;  // "" for functions and operators without one
  std::string_view name;
  uint32_t version = 0;
  std::vector<Param> params;
  Type returns;
  Purity purity = Purity::kPure;
  std::string_view deprecated;   // "": not; else what to use, or why not
  bool takes_passwords = false;  // no trace shows its texts, here and later in the run
  Implementation run = nullptr;
  IntOperator fast = IntOperator::kNone;

  std::string full_name;  // "Dict::get_v1"
};

// Finds functions by name; the evaluator never does while it runs.
class Library {
 public:
  virtual ~Library() = default;
  virtual const Builtin* Find(std::string_view module, std::string_view name,
                              uint32_t version) const = 0;
  virtual std::span<const Builtin> All() const = 0;
};

}  // namespace nightjar::lang
