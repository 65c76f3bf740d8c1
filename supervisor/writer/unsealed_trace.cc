#include "supervisor/writer/unsealed_trace.h"

#include <utility>

#include "supervisor/writer/event_head.h"

namespace nightjar {

UnsealedTrace::UnsealedTrace(TraceBuilder builder, proto::StoredRun stored)
    : builder_(std::move(builder)), stored_(std::move(stored)) {}

uint64_t UnsealedTrace::LeaveOutEvents(Compressor& compressor) {
  const std::vector<std::string> newest = builder_.Newest(1);
  const std::string oldest = builder_.Oldest();
  proto::TraceEvent first, last;
  if (newest.empty() || !ParseEvent(oldest, &first) || !ParseEvent(newest[0], &last)) return 0;
  const bool begins = first.has_run_start(), ends = last.has_run_end();
  TraceBuilder rest(compressor);
  if (begins) rest.Append(oldest, first.seq());
  const uint64_t from = begins ? first.seq() : 0;
  const uint64_t to = last.seq() - (ends ? 1 : 0);
  const uint64_t left_out = builder_.events() - (begins ? 1 : 0) - (ends ? 1 : 0);
  if (left_out == 0) return 0;
  // A worker's numbers may be anything.
  if (to > from) rest.Append(EncodeGap(to, last.at_ns(), to - from), to);
  if (ends) rest.Append(newest[0], last.seq());
  builder_ = std::move(rest);
  return left_out;
}

std::string UnsealedTrace::Seal(const proto::TraceRow& row, Compressor& compressor) {
  *stored_.mutable_row() = row;
  builder_.UseCompressor(compressor);
  return builder_.Seal(std::move(stored_));
}

}  // namespace nightjar
