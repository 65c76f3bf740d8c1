// The names that cross process borders, as types, so that one cannot be passed for another.
//
// RunId names a run, its trace and, if it was killed or refused, its incident: one id for all
// three, so that what a caller was shown in a header is what an operator types. Its layout is
// classic Dark's trace id: a UUID whose first 48 bits are the bitwise NOT of the Unix time in
// milliseconds, then 80 random bits. Its text therefore sorts newest first and carries its time.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "ipc/core/clock.h"

namespace nightjar {

class RunId {
 public:
  RunId() = default;  // all zero: "none"
  // Fresh randomness each call, from getrandom(2).
  static RunId New(WallTime now);
  // Accepts the 36-character UUID text only.
  static std::optional<RunId> Parse(std::string_view text);
  // Accepts exactly 16 bytes, as protobuf messages carry it.
  static std::optional<RunId> FromBytes(std::string_view bytes);

  std::string ToString() const;
  std::string_view bytes() const { return {bytes_.data(), bytes_.size()}; }
  int64_t unix_ms() const;
  bool none() const { return *this == RunId(); }
  bool operator==(const RunId&) const = default;
  // As its bytes and its text sort: the newest first. A char may have a sign, so not by default.
  auto operator<=>(const RunId& other) const { return bytes() <=> other.bytes(); }

 private:
  std::array<char, 16> bytes_{};
};

// A canvas's name is the first label of a host name: 1 to 63 of a-z, 0-9, '-' and '_', not starting
// with '-' or '_'. It becomes a directory and a cgroup name too, and this alphabet is safe in all
// three.
bool IsCanvasName(std::string_view name);

using Tlid = uint64_t;            // a toplevel: handler, function, type or datastore
using RevisionNumber = uint64_t;  // 1, 2, 3 ... for each canvas
using WorkerId = uint64_t;        // never reused in one supervisor's life

}  // namespace nightjar

template <>
struct std::hash<nightjar::RunId> {
  size_t operator()(const nightjar::RunId& id) const noexcept {
    return std::hash<std::string_view>()(id.bytes());
  }
};
