#include "policies/tightness.h"

#include <algorithm>
#include <array>
#include <limits>

namespace nightjar::policy {
namespace {

constexpr double kAll = std::numeric_limits<double>::infinity();

// Numbers that bound nothing.
constexpr std::array<std::string_view, 4> kNoBounds = {"soft_stop", "armed", "idle", "trace_slow"};

// How much a value lets a canvas do. Switches that are in nobody's way are all alike.
double Freedom(const LimitKey& key, const LimitValue& value) {
  switch (key.kind) {
    case LimitKind::kMaybeSize:
    case LimitKind::kMaybe:
      if (std::get<uint64_t>(value) == 0) return kAll;
      break;
    case LimitKind::kCpus:
    case LimitKind::kRate:
      if (std::get<double>(value) == 0) return kAll;
      break;
    case LimitKind::kSwitch:
      if (key.name == "suspended") return std::get<bool>(value) ? 0 : kAll;
      if (key.name == "exec") return std::get<bool>(value) ? kAll : 0;
      return 0;
    case LimitKind::kMaybeDuration:
      if (std::get<Micros>(value) == Micros(0)) return kAll;
      break;
    case LimitKind::kSample:
      return 0;
    case LimitKind::kOverflow:
      return std::get<bool>(value) ? 0 : 1;
    default:
      break;
  }
  if (std::count(kNoBounds.begin(), kNoBounds.end(), key.name) > 0) return 0;
  if (const auto* duration = std::get_if<Micros>(&value))
    return static_cast<double>(duration->count());
  if (const auto* count = std::get_if<uint64_t>(&value)) return static_cast<double>(*count);
  if (const auto* number = std::get_if<double>(&value)) return *number;
  return 0;
}

}  // namespace

bool BoundsNothing(const LimitKey& key, const LimitValue& value) {
  return Freedom(key, value) == kAll;
}

Direction DirectionOf(const LimitKey& key, const LimitValue& from, const LimitValue& to) {
  if (from == to) return Direction::kSame;
  double before = Freedom(key, from);
  double after = Freedom(key, to);
  if (before == after) return Direction::kOther;
  return after < before ? Direction::kTighter : Direction::kLooser;
}

}  // namespace nightjar::policy
