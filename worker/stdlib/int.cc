#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "worker/lang/int_operators.h"
#include "worker/lang/numbers.h"
#include "worker/stdlib/library.h"
#include "worker/stdlib/random.h"

namespace nightjar::lang {
namespace {

Dval Mod(const Call& call) {
  int64_t modulus = call[1].integer;
  if (modulus <= 0) return call.ArgumentError(1, "positive");
  int64_t result = call[0].integer % modulus;
  return Dval::Int(result < 0 ? result + modulus : result);
}

Dval Remainder(const Call& call) {
  int64_t divisor = call[1].integer;
  if (divisor == 0) return call.ErrorResult("`divisor` must be non-zero");
  // The smallest integer by -1 is the one division that the processor cannot do.
  int64_t result = divisor == -1 ? 0 : call[0].integer % divisor;
  return MakeWrapped(call.arena, Tag::kOk, Dval::Int(result));
}

Dval Divide(const Call& call) {
  int64_t divisor = call[1].integer;
  if (divisor == 0) return call.Error("Division by zero");
  if (divisor == -1) {
    if (call[0].integer == INT64_MIN) return call.Fault();
    return Dval::Int(-call[0].integer);
  }
  return Dval::Int(call[0].integer / divisor);
}

Dval Power(const Call& call) {
  int64_t base = call[0].integer;
  int64_t exponent = call[1].integer;
  if (exponent < 0) return call.ArgumentError(1, "positive");
  if (base == 1 || base == -1) return Dval::Int(base == 1 || exponent % 2 == 0 ? 1 : -1);
  if (base == 0) return Dval::Int(exponent == 0 ? 1 : 0);
  int64_t result = 1;
  for (int64_t i = 0; i < exponent; ++i)  // at most 63 times
    if (__builtin_mul_overflow(result, base, &result))
      return call.Error("Error raising to exponent");
  return Dval::Int(result);
}

Dval Clamp(const Call& call) {
  int64_t low = std::min(call[1].integer, call[2].integer);
  int64_t high = std::max(call[1].integer, call[2].integer);
  return Dval::Int(std::clamp(call[0].integer, low, high));
}

Dval Random(const Call& call) {
  return Dval::Int(RandomBetween(std::min(call[0].integer, call[1].integer),
                                 std::max(call[0].integer, call[1].integer)));
}

Dval Sum(const Call& call) {
  int64_t sum = 0;
  for (const Dval& item : call[0]) {
    if (!item.Is(Tag::kInt)) return call.ArgumentError(0, "a list of ints");
    sum = WrappingAdd(sum, item.integer);
  }
  return Dval::Int(sum);
}

Dval Parse(const Call& call) {
  if (auto value = ParseInt(call[0].view()))
    return MakeWrapped(call.arena, Tag::kOk, Dval::Int(*value));
  return call.ErrorResult("Expected to parse string with only numbers, instead got \"" +
                          std::string(call[0].view()) + "\"");
}

template <IntOperator kOp>
Dval Operate(const Call& call) {
  return OfInts(kOp, call[0].integer, call[1].integer);
}

}  // namespace

void AddInt(Tables& tables) {
  using enum IntOperator;
  Module m(tables, "Int");
  auto infix = [&]<IntOperator kOp>(std::string_view name, std::string_view op, Type returns) {
    m.Add(name, 0, {{"a", kInt}, {"b", kInt}}, returns, Operate<kOp>).Fast(kOp).Infix(op);
  };
  infix.operator()<kAdd>("add", "+", kInt);
  infix.operator()<kSubtract>("subtract", "-", kInt);
  infix.operator()<kMultiply>("multiply", "*", kInt);
  infix.operator()<kLess>("lessThan", "<", kBool);
  infix.operator()<kLessOrEqual>("lessThanOrEqualTo", "<=", kBool);
  infix.operator()<kGreater>("greaterThan", ">", kBool);
  infix.operator()<kGreaterOrEqual>("greaterThanOrEqualTo", ">=", kBool);
  m.Add("mod", 0, {{"a", kInt}, {"b", kInt}}, kInt, Mod).Infix("%");
  m.Add("power", 0, {{"base", kInt}, {"exponent", kInt}}, kInt, Power).Infix("^");
  m.Add("divide", 0, {{"a", kInt}, {"b", kInt}}, kInt, Divide);
  m.Add("remainder", 0, {{"value", kInt}, {"divisor", kInt}}, kResult, Remainder);
  m.Add("absoluteValue", 0, {{"a", kInt}}, kInt, [](const Call& call) {
    int64_t a = call[0].integer;
    return a == INT64_MIN ? call.Fault() : Dval::Int(std::abs(a));
  });
  m.Add("negate", 0, {{"a", kInt}}, kInt,
        [](const Call& call) { return Dval::Int(WrappingSubtract(0, call[0].integer)); });
  m.Add("max", 0, {{"a", kInt}, {"b", kInt}}, kInt,
        [](const Call& call) { return Dval::Int(std::max(call[0].integer, call[1].integer)); });
  m.Add("min", 0, {{"a", kInt}, {"b", kInt}}, kInt,
        [](const Call& call) { return Dval::Int(std::min(call[0].integer, call[1].integer)); });
  m.Add("clamp", 0, {{"value", kInt}, {"limitA", kInt}, {"limitB", kInt}}, kInt, Clamp);
  m.Add("sqrt", 0, {{"a", kInt}}, kFloat, [](const Call& call) {
    return Dval::Float(std::sqrt(static_cast<double>(call[0].integer)));
  });
  m.Add("toFloat", 0, {{"a", kInt}}, kFloat,
        [](const Call& call) { return Dval::Float(static_cast<double>(call[0].integer)); });
  m.Add("sum", 0, {{"a", {Kind::kList, "List Int"}}}, kInt, Sum);
  m.Add("parse", 0, {{"s", kStr}}, kResult, Parse);
  m.Add("random", 0, {{"start", kInt}, {"end", kInt}}, kInt, Random)
      .Impure()
      .Deprecated("Int.random_v1");
  m.Add("random", 1, {{"start", kInt}, {"end", kInt}}, kInt, Random).Impure();
}

}  // namespace nightjar::lang
