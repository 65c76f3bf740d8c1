#include "supervisor/admission/refusal_pace.h"

#include <algorithm>

#include "ipc/core/bounds.h"

namespace nightjar {
namespace {

constexpr Nanos kBetween = Nanos(std::chrono::seconds(1)) / bounds::kRefusalsPerSecond;

}  // namespace

MonoTime RefusalPace::TakeTurn(const std::string& canvas, MonoTime now) {
  MonoTime& next = next_[canvas];
  // Turns that nobody took are kept, as many as may go at once.
  next = std::clamp(next, now - (bounds::kRefusalsAtOnce - 1) * kBetween,
                    now + bounds::kRefusalDelayMax);
  MonoTime turn = std::max(now, next);
  next += kBetween;
  return turn;
}

}  // namespace nightjar
