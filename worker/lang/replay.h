// An earlier run, as its trace shows it, for doing it again: its input, and what impure functions
// returned then.
//
// Calls are answered in the order of the earlier run, each function's own: a changed program that
// asks for the time twice gets both times, whatever else it does in between. What the trace does
// not have whole is not answered, nor is anything of that function behind it, so that no answer
// belongs to another call. Single thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "ipc/core/result.h"
#include "ipc/proto/replay.pb.h"
#include "worker/lang/value.h"

namespace nightjar::lang {

class Replay {
 public:
  // kProtocol for bytes that are none.
  static Result<Replay> Parse(std::string_view bytes);

  const proto::Replay& message() const { return message_; }
  // A variable of the route; null where it had none of this name.
  Dval Variable(Arena& arena, std::string_view name) const;
  // The next result of this impure function; nullopt: it must be called. Counts either.
  std::optional<Dval> Answer(Arena& arena, std::string_view fn);

  uint32_t answered() const { return answered_; }
  uint32_t live() const { return live_; }

 private:
  proto::Replay message_;
  std::map<std::string, int, std::less<>> next_;  // where in the calls a function's next one may be
  uint32_t answered_ = 0;
  uint32_t live_ = 0;
};

}  // namespace nightjar::lang
