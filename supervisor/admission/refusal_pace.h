// When a canvas's next "no" is sent: at once, until they come faster than a client that heeds
// Retry-After asks; then one after the other, at bounds::kRefusalsPerSecond.
//
// Who is refused can ask again in the next millisecond, over as many connections as he likes, and
// the loop that says no to him serves everybody. A client that waits for its answer asks no faster
// than it is answered. Pure; the time is passed in and does not run backwards.
#pragma once

#include <map>
#include <string>

#include "ipc/core/clock.h"

namespace nightjar {

class RefusalPace {
 public:
  // When an answer of this canvas that is ready `now` is to be sent: `now` or later, by
  // bounds::kRefusalDelayMax at most. Takes that turn. "" for those that are no canvas's.
  MonoTime TakeTurn(const std::string& canvas, MonoTime now);

 private:
  std::map<std::string, MonoTime> next_;  // the turn after those that were taken
};

}  // namespace nightjar
