#include <cmath>
#include <numbers>

#include "worker/stdlib/library.h"

namespace nightjar::lang {
namespace {

// Only ratios from -1 to 1 are those of an angle.
template <double (*kInverse)(double)>
Dval AngleOf(const Call& call) {
  double angle = kInverse(call[0].number);
  if (std::isnan(angle)) return Dval::Nothing();
  return MakeWrapped(call.arena, Tag::kJust, Dval::Float(angle));
}

}  // namespace

void AddMath(Tables& tables) {
  using std::numbers::pi;
  Module m(tables, "Math");
  auto of = [&](std::string_view name, std::string_view param, Implementation run) {
    m.Add(name, 0, {{param, kFloat}}, kFloat, run);
  };
  m.Add("pi", 0, {}, kFloat, [](const Call&) { return Dval::Float(pi); });
  m.Add("tau", 0, {}, kFloat, [](const Call&) { return Dval::Float(2 * pi); });
  of("degrees", "angleInDegrees",
     [](const Call& call) { return Dval::Float(call[0].number * pi / 180); });
  of("turns", "angleInTurns",
     [](const Call& call) { return Dval::Float(call[0].number * 2 * pi); });
  of("radians", "angleInRadians", [](const Call& call) { return call[0]; });
  of("sin", "angleInRadians",
     [](const Call& call) { return Dval::Float(std::sin(call[0].number)); });
  of("cos", "angleInRadians",
     [](const Call& call) { return Dval::Float(std::cos(call[0].number)); });
  of("tan", "angleInRadians",
     [](const Call& call) { return Dval::Float(std::tan(call[0].number)); });
  of("sinh", "angleInRadians",
     [](const Call& call) { return Dval::Float(std::sinh(call[0].number)); });
  of("cosh", "angleInRadians",
     [](const Call& call) { return Dval::Float(std::cosh(call[0].number)); });
  of("tanh", "angleInRadians",
     [](const Call& call) { return Dval::Float(std::tanh(call[0].number)); });
  of("atan", "ratio", [](const Call& call) { return Dval::Float(std::atan(call[0].number)); });
  m.Add("atan2", 0, {{"y", kFloat}, {"x", kFloat}}, kFloat,
        [](const Call& call) { return Dval::Float(std::atan2(call[0].number, call[1].number)); });
  m.Add("acos", 0, {{"ratio", kFloat}}, kOption, AngleOf<std::acos>);
  m.Add("asin", 0, {{"ratio", kFloat}}, kOption, AngleOf<std::asin>);
}

}  // namespace nightjar::lang
