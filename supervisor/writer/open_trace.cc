#include "supervisor/writer/open_trace.h"

#include <algorithm>
#include <utility>

#include "ipc/core/bounds.h"
#include "ipc/core/utf8.h"
#include "supervisor/writer/input_fields.h"

namespace nightjar {
namespace {

// A Gap, the open block and the footer still fit behind it.
constexpr size_t kObjectBytes =
    bounds::kTraceContainerBytes - bounds::kTraceFooterBytes - 4 * bounds::kTraceBlockBytes;

}  // namespace

OpenTrace::OpenTrace(const RunId& run, proto::RunBegan began, OpenTraces& shared)
    : run_(run), began_(std::move(began)), shared_(shared), builder_(shared.compressor) {}

OpenTrace::~OpenTrace() {
  shared_.held_bytes -= held_bytes_;
}

Status OpenTrace::Append(std::string_view event, const EventHead& head) {
  stream_bytes_ += event.size();
  uint64_t budget = std::max<uint64_t>(began_.trace_bytes_max(), bounds::kTraceLeastBytes);
  if (stream_bytes_ - std::min(stream_bytes_, budget) > bounds::kTraceSlackBytes)
    return Fail(ErrorCode::kProtocol, "more trace than its run may write");
  ++shared_.drained_events;
  // Events that a writer before this one had taken are missing at the beginning.
  bool hole = !started_ && !head.starts && head.seq > 1;
  started_ = true;
  if (hole) more_functions_ = true;
  if (head.starts && !began_.trace_index().empty()) NoteInput(event);
  if (!head.function.empty() && head.function != newest_function_) NoteFunction(head.function);
  newest_seq_ = std::max(newest_seq_, head.seq);
  newest_at_ns_ = std::max(newest_at_ns_, head.at_ns);
  if (dropped_ > 0 || builder_.memory_bytes() > kObjectBytes ||
      shared_.held_bytes > bounds::kTracesOpenBytes) {
    ++dropped_;  // from here to the end: one long gap is easier to read than many
    ++shared_.dropped_events;
    return {};
  }
  if (hole) builder_.Append(EncodeGap(head.seq - 1, head.at_ns, head.seq - 1), head.seq - 1);
  builder_.Append(event, head.seq);
  shared_.held_bytes += builder_.memory_bytes() - held_bytes_;
  held_bytes_ = builder_.memory_bytes();
  return {};
}

void OpenTrace::NoteFunction(std::string_view name) {
  auto at = functions_.find(name);
  if (at == functions_.end()) {
    if (functions_.size() == bounds::kTracedFunctions) {
      more_functions_ = true;
      return;
    }
    // A worker may write anything; a name that is no text is in no list.
    if (Utf8PrefixSize(name, name.size()) != name.size()) return;
    at = functions_.emplace(name).first;
  }
  newest_function_ = *at;
}

void OpenTrace::NoteInput(std::string_view run_start) {
  proto::TraceEvent event;
  if (!ParseEvent(run_start, &event)) return;
  fields_ = InputFields(event.run_start(), began_.trace_index());
}

proto::TraceTouched OpenTrace::Touched() const {
  proto::TraceTouched touched;
  for (const std::string& function : functions_) *touched.add_functions() = function;
  touched.set_more_functions(more_functions_);
  *touched.mutable_fields() = fields_;
  return touched;
}

void OpenTrace::CloseGap() {
  if (dropped_ == 0) return;
  builder_.Append(EncodeGap(newest_seq_, newest_at_ns_, dropped_), newest_seq_);
  dropped_ = 0;
}

}  // namespace nightjar
