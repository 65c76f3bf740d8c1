// A run's whole trace that is no object yet: whoever has it may still leave it out, or its events.
//
// Its last part is not compressed yet, so that what is left out costs next to nothing. Made on the
// drain's thread, used on the archive's: one at a time.
#pragma once

#include "supervisor/writer/trace_builder.h"

namespace nightjar {

class UnsealedTrace {
 public:
  // `stored` as TraceBuilder::Seal() takes it.
  UnsealedTrace(TraceBuilder builder, proto::StoredRun stored);

  uint64_t events() const { return builder_.events(); }
  size_t memory_bytes() const { return builder_.memory_bytes(); }

  // Leaves out all events but the run's input and its result, and puts a Gap in their place.
  // Returns how many that were.
  uint64_t LeaveOutEvents(Compressor& compressor);
  // The object. Once.
  std::string Seal(const proto::TraceRow& row, Compressor& compressor);

 private:
  TraceBuilder builder_;
  proto::StoredRun stored_;
};

}  // namespace nightjar
