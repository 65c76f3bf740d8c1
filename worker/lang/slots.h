// Room for the variables of one call, until the call returns: the evaluator's own stack, since the
// machine's would make each of its functions pay for a size that is known only when it runs.
// Internal to the evaluator.
#pragma once

#include "worker/lang/evaluator.h"

namespace nightjar::lang {

class Evaluator::Slots {
 public:
  Slots(Evaluator& evaluator, size_t count) : evaluator_(evaluator), at_(evaluator.slots_.at) {
    SlotStack& slots = evaluator.slots_;
    if (static_cast<size_t>(slots.end - slots.at) < count) [[unlikely]] {
      before_ = slots;
      evaluator.EnterChunk(count);
      at_ = slots.at;
    }
    slots.at += count;
  }
  ~Slots() {
    if (before_.chunks != kSameChunk) [[unlikely]]
      evaluator_.slots_ = before_;
    else
      evaluator_.slots_.at = at_;
  }
  Slots(const Slots&) = delete;
  Slots& operator=(const Slots&) = delete;

  Dval* at() const { return at_; }
  Dval& operator[](size_t index) const { return at_[index]; }

 private:
  static constexpr size_t kSameChunk = SIZE_MAX;

  Evaluator& evaluator_;
  SlotStack before_{nullptr, nullptr, kSameChunk};  // when it had to enter another chunk
  Dval* at_;
};

}  // namespace nightjar::lang
