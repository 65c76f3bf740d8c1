// The outermost fields of an encoded proto::TraceEvent, and what a call is of.
//
// Draining looks at no more than this; whole events are parsed by whoever reads a trace. Bytes come
// from workers: anything is allowed to be wrong with them. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "ipc/core/ids.h"
#include "ipc/proto/trace.pb.h"

namespace nightjar {

struct EventHead {
  uint64_t seq = 0;
  uint64_t at_ns = 0;
  std::optional<RunId> starts;  // RunStart only: the run that begins
  // The function of the canvas or of a package, or the program, that is called; empty: none is, or
  // its name cannot be one.
  std::string_view function;
};

// nullopt: not the encoding of a message of this shape, or a RunStart without a run's id.
std::optional<EventHead> ReadEventHead(std::string_view event);

// Parses all of it, and keeps no more than this program knows. False also for values nested so
// deeply that they could not be read inside an answer.
bool ParseEvent(std::string_view event, proto::TraceEvent* parsed);

// A Gap of so many events, of which the last one would have had this number and time.
std::string EncodeGap(uint64_t seq, uint64_t at_ns, uint64_t dropped);

}  // namespace nightjar
