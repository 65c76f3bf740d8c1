// The trace of one run that is still going on.
//
// Single thread; owned by the run's WorkerRing.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>

#include "ipc/core/ids.h"
#include "ipc/core/result.h"
#include "ipc/proto/writer.pb.h"
#include "supervisor/writer/event_head.h"
#include "supervisor/writer/trace_builder.h"

namespace nightjar {

// What all open traces share.
struct OpenTraces {
  Compressor compressor;
  size_t held_bytes = 0;  // of all of them in memory
  uint64_t drained_events = 0;
  uint64_t dropped_events = 0;  // for want of memory
};

class OpenTrace {
 public:
  OpenTrace(const RunId& run, proto::RunBegan began, OpenTraces& shared);
  ~OpenTrace();
  OpenTrace(const OpenTrace&) = delete;
  OpenTrace& operator=(const OpenTrace&) = delete;

  const RunId& run() const { return run_; }
  const proto::RunBegan& began() const { return began_; }
  // Some event of the run was seen.
  bool started() const { return started_; }
  bool records() const { return began_.trace_bytes_max() > 0; }

  // kProtocol: the worker writes more than its run may have.
  Status Append(std::string_view event, const EventHead& head);
  // Says what is missing at the end. Before Seal.
  void CloseGap();

  TraceBuilder& builder() { return builder_; }
  // What was called so far (functions of the canvas and of packages, and programs), and the fields
  // of the input that policy names.
  proto::TraceTouched Touched() const;
  uint64_t newest_at_ns() const { return newest_at_ns_; }

 private:
  void NoteFunction(std::string_view name);
  void NoteInput(std::string_view run_start);

  const RunId run_;
  const proto::RunBegan began_;
  OpenTraces& shared_;
  TraceBuilder builder_;
  size_t held_bytes_ = 0;
  bool started_ = false;
  uint64_t stream_bytes_ = 0;
  uint64_t newest_seq_ = 0;
  uint64_t newest_at_ns_ = 0;
  uint64_t dropped_ = 0;  // at the end of what the builder has
  std::set<std::string, std::less<>> functions_;
  std::string_view newest_function_;  // in functions_: loops and recursion call the same again
  bool more_functions_ = false;
  google::protobuf::RepeatedPtrField<proto::InputField> fields_;
};

}  // namespace nightjar
