// Every limit there is, as a policy file names it: one table for reading, describing, documenting
// and suggesting.
//
// A new limit is a member of Limits and a line of the table. Pure; the table is constant.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "policies/limits.h"

namespace nightjar::policy {

enum class LimitKind {
  kDuration,       // "2s"
  kMaybeDuration,  // "2s", or "none"
  kSize,           // "64MiB"
  kMaybeSize,      // "64MiB", or "none"
  kCount,          // 8
  kMaybe,          // 1000000, or "none"
  kCpus,           // 1.5, or "none"
  kRate,           // "50/s", or "none"
  kSwitch,         // true, false
  kOverflow,       // "drop", "kill"
  kNames,          // ["authorization", "cookie"]
  kSample,         // "all", "none", "1/100"
};

// Who a limit bounds, and so where it may be set: a handler has no share of the machine of its own.
enum class LimitScope { kRun, kCanvas };

using LimitValue = std::variant<Micros, uint64_t, double, bool, Names>;
using LimitMember =
    std::variant<Limit<Micros> Limits::*, Limit<uint64_t> Limits::*, Limit<double> Limits::*,
                 Limit<bool> Limits::*, Limit<Names> Limits::*>;

struct LimitKey {
  std::string_view name;
  LimitKind kind;
  LimitScope scope;
  double min;  // microseconds, bytes, or as it is; not for switches and samples
  double max;
  LimitMember member;
  std::string_view doc;  // one line

  LimitValue ValueIn(const Limits& limits) const;
  void Set(Limits& limits, const LimitValue& value, const Origin& origin) const;
  LimitText TextIn(const Limits& limits) const;
};

// In the order in which people read them.
std::span<const LimitKey> LimitKeys();
// Their names, for who looks for the one that was meant.
std::vector<std::string_view> LimitNames();
// Null where there is none of that name.
const LimitKey* FindLimitKey(std::string_view name);

std::string FormatLimit(LimitKind kind, const LimitValue& value);

}  // namespace nightjar::policy
