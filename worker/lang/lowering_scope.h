// Which names stand for which slots while a body is lowered, and what lambdas have to capture.
// Internal to worker/lang.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "worker/lang/code.h"

namespace nightjar::lang {

// A frame lies on the stack.
inline constexpr uint32_t kFrameSlotsMax = 1000;
struct TooManyNames {};

// The names in one frame. Slots are used again once a name is out of scope: what a lambda captured
// was copied when the lambda was made.
class LoweringScope {
 public:
  struct Mark {
    size_t names;
    uint32_t next;
  };

  explicit LoweringScope(LoweringScope* around) : around_(around) {}

  uint32_t Bind(const std::string& name) {
    if (next_ >= kFrameSlotsMax) throw TooManyNames();
    names_.push_back({name, next_});
    slots_ = std::max(slots_, next_ + 1);
    return next_++;
  }
  // In one pattern the same name stands for the same slot: the last place where it stands wins.
  uint32_t BindOnce(const std::string& name, const Mark& mark) {
    for (size_t i = mark.names; i < names_.size(); ++i)
      if (names_[i].name == name) return names_[i].slot;
    return Bind(name);
  }
  Mark mark() const { return {names_.size(), next_}; }
  void Unbind(const Mark& mark) {
    names_.resize(mark.names);
    next_ = mark.next;
  }

  // Where a variable is, seen from this frame.
  std::optional<Capture> Find(const std::string& name) {
    for (size_t i = names_.size(); i-- > 0;)
      if (names_[i].name == name) return Capture{false, names_[i].slot};
    for (size_t i = 0; i < captured_.size(); ++i)
      if (captured_[i] == name) return Capture{true, static_cast<uint32_t>(i)};
    if (around_ == nullptr) return std::nullopt;
    auto outside = around_->Find(name);
    if (!outside) return std::nullopt;
    if (captured_.size() >= kFrameSlotsMax) throw TooManyNames();
    captured_.push_back(name);
    captures_.push_back(*outside);
    return Capture{true, static_cast<uint32_t>(captured_.size() - 1)};
  }

  uint32_t slots() const { return slots_; }
  const std::vector<Capture>& captures() const { return captures_; }

 private:
  struct Name {
    std::string name;
    uint32_t slot;
  };
  LoweringScope* const around_;
  std::vector<Name> names_;
  std::vector<std::string> captured_;
  std::vector<Capture> captures_;
  uint32_t next_ = 0;
  uint32_t slots_ = 0;
};

// A hash of everything added since a mark, whatever was added before it.
class ShapeHash {
 public:
  struct Mark {
    uint64_t hash;
    uint64_t power;
  };

  void Add(uint64_t value) {
    hash_ = hash_ * kBase + (value ^ value >> 29) * kMix + 1;
    power_ *= kBase;
  }
  void Add(std::string_view text) { Add(std::hash<std::string_view>()(text)); }
  Mark mark() const { return {hash_, power_}; }
  uint64_t Since(const Mark& mark) const { return hash_ - mark.hash * Ratio(mark.power); }

 private:
  static constexpr uint64_t kBase = 0x9e3779b97f4a7c15;  // odd, so that powers can be divided
  static constexpr uint64_t kMix = 0xbf58476d1ce4e5b9;

  // power_ / power modulo 2^64, by Newton's iteration for the inverse.
  uint64_t Ratio(uint64_t power) const {
    uint64_t inverse = power;
    for (int i = 0; i < 6; ++i) inverse *= 2 - power * inverse;
    return power_ * inverse;
  }

  uint64_t hash_ = 0;
  uint64_t power_ = 1;
};

}  // namespace nightjar::lang
