#include <cmath>

#include "worker/lang/numbers.h"
#include "worker/stdlib/library.h"

namespace nightjar::lang {
namespace {

// What has no integer becomes the smallest: so the processor has it, and so programs know it.
Dval ToInt(double value) {
  constexpr double kBound = 9223372036854775808.0;
  if (!(value >= -kBound && value < kBound)) return Dval::Int(INT64_MIN);
  return Dval::Int(static_cast<int64_t>(value));
}

double Max(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return NAN;
  return a < b ? b : a;
}
double Min(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return NAN;
  return a < b ? a : b;
}

Dval Clamp(const Call& call) {
  double a = call[1].number;
  double b = call[2].number;
  if (std::isnan(a) || std::isnan(b))
    return call.Error("clamp requires arguments to be valid numbers");
  double low = Min(a, b);
  double high = Max(a, b);
  double value = call[0].number;
  return Dval::Float(value < low ? low : value > high ? high : value);
}

Dval Sum(const Call& call) {
  double sum = 0;
  for (const Dval& item : call[0]) {
    if (!item.Is(Tag::kFloat)) return call.ArgumentError(0, "a list of floats");
    sum += item.number;
  }
  return Dval::Float(sum);
}

Dval Parse(const Call& call) {
  if (auto value = ParseFloat(call[0].view()))
    return MakeWrapped(call.arena, Tag::kOk, Dval::Float(*value));
  return call.ErrorResult("Expected a string representation of an IEEE float");
}

using Rounding = double (*)(double);
template <Rounding kRound>
Dval Round(const Call& call) {
  return ToInt(kRound(call[0].number));
}

double Ceiling(double a) {
  return std::ceil(a);
}
double Floor(double a) {
  return std::floor(a);
}
double Truncate(double a) {
  return std::trunc(a);
}
// Halves go to the even neighbour.
double Nearest(double a) {
  return std::nearbyint(a);
}

}  // namespace

void AddFloat(Tables& tables) {
  Module m(tables, "Float");
  auto one = [&](std::string_view name, Type returns, Implementation run) {
    m.Add(name, 0, {{"a", kFloat}}, returns, run);
  };
  one("ceiling", kInt, Round<Ceiling>);
  one("roundUp", kInt, Round<Ceiling>);
  one("floor", kInt, Round<Floor>);
  one("roundDown", kInt, Round<Floor>);
  one("round", kInt, Round<Nearest>);
  one("truncate", kInt, Round<Truncate>);
  one("roundTowardsZero", kInt, Round<Truncate>);
  one("absoluteValue", kFloat,
      [](const Call& call) { return Dval::Float(std::fabs(call[0].number)); });
  one("negate", kFloat, [](const Call& call) { return Dval::Float(-call[0].number); });
  one("sqrt", kFloat, [](const Call& call) { return Dval::Float(std::sqrt(call[0].number)); });
  auto two = [&](std::string_view name, Type returns, Implementation run) {
    return m.Add(name, 0, {{"a", kFloat}, {"b", kFloat}}, returns, run);
  };
  two("add", kFloat, [](const Call& call) { return Dval::Float(call[0].number + call[1].number); });
  two("subtract", kFloat,
      [](const Call& call) { return Dval::Float(call[0].number - call[1].number); });
  two("multiply", kFloat,
      [](const Call& call) { return Dval::Float(call[0].number * call[1].number); });
  two("divide", kFloat, [](const Call& call) {
    return Dval::Float(call[0].number / call[1].number);
  }).Infix("/");
  two("max", kFloat,
      [](const Call& call) { return Dval::Float(Max(call[0].number, call[1].number)); });
  two("min", kFloat,
      [](const Call& call) { return Dval::Float(Min(call[0].number, call[1].number)); });
  two("greaterThan", kBool,
      [](const Call& call) { return Dval::Bool(call[0].number > call[1].number); });
  two("greaterThanOrEqualTo", kBool,
      [](const Call& call) { return Dval::Bool(call[0].number >= call[1].number); });
  two("lessThan", kBool,
      [](const Call& call) { return Dval::Bool(call[0].number < call[1].number); });
  two("lessThanOrEqualTo", kBool,
      [](const Call& call) { return Dval::Bool(call[0].number <= call[1].number); });
  m.Add("power", 0, {{"base", kFloat}, {"exponent", kFloat}}, kFloat,
        [](const Call& call) { return Dval::Float(std::pow(call[0].number, call[1].number)); });
  m.Add("clamp", 0, {{"value", kFloat}, {"limitA", kFloat}, {"limitB", kFloat}}, kFloat, Clamp);
  m.Add("sum", 0, {{"a", {Kind::kList, "List Float"}}}, kFloat, Sum);
  m.Add("parse", 0, {{"s", kStr}}, kResult, Parse);
}

}  // namespace nightjar::lang
