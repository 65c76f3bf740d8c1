#include "supervisor/writer/replay.h"

#include <unordered_map>

#include "ipc/core/bounds.h"
#include "ipc/proto/replay.pb.h"
#include "supervisor/writer/event_head.h"
#include "supervisor/writer/trace_reader.h"

namespace nightjar {
namespace {

class Collector {
 public:
  void Add(std::string_view bytes) {
    if (complete_) return;
    if (!ParseEvent(bytes, &event_) || event_.has_gap() || event_.seq() != ++seq_) {
      complete_ = true;  // as far as it is known
      return;
    }
    switch (event_.kind_case()) {
      case proto::TraceEvent::kRunStart:
        return Start(*event_.mutable_run_start());
      case proto::TraceEvent::kCall:
        return Open(event_.call());
      case proto::TraceEvent::kReturn:
        return Close(*event_.mutable_return_());
      default:
        return;
    }
  }

  proto::ReplayAnswer Finish() {
    proto::ReplayAnswer answer;
    // Their order is that of their beginnings, which is that of their ends: they call nothing.
    for (auto& call : calls_)
      if (call.has_result()) *replay_.add_calls() = std::move(call);
    if (!replay_.has_input())
      answer.set_not_whole("its trace does not have its input");
    else if (replay_.input().has_truncated())
      answer.set_not_whole("its input was too large for its trace, which has the beginning of it");
    else if (variables_cut_)
      answer.set_not_whole("its route's variables were too large for its trace");
    answer.set_replay(replay_.SerializeAsString());
    return answer;
  }

 private:
  void Start(proto::RunStart& start) {
    if (start.has_input()) *replay_.mutable_input() = std::move(*start.mutable_input());
    *replay_.mutable_variables() = std::move(*start.mutable_variables());
    variables_cut_ = start.variables_cut();
  }

  void Open(const proto::Call& call) {
    open_.erase(call.parent());  // it calls: its own results follow from theirs
    if (call.kind() != proto::CALL_KIND_BUILTIN || call.has_result()) return;
    open_[call.call_id()] = calls_.size();
    calls_.emplace_back().set_fn(call.fn());
  }

  void Close(proto::Return& result) {
    auto open = open_.find(result.call_id());
    if (open == open_.end()) return;
    bytes_ += result.result().ByteSizeLong();
    if (bytes_ > bounds::kReplayBytes) complete_ = true;
    if (!complete_) *calls_[open->second].mutable_result() = std::move(*result.mutable_result());
    open_.erase(open);
  }

  proto::TraceEvent event_;  // reused
  proto::Replay replay_;
  std::vector<proto::RecordedCall> calls_;
  std::unordered_map<uint64_t, size_t> open_;  // call ids of calls that called nothing so far
  uint64_t seq_ = 0;
  size_t bytes_ = 0;
  bool variables_cut_ = false;
  bool complete_ = false;
};

}  // namespace

Result<proto::ReplayAnswer> MakeReplay(std::string_view object, const RunId& run) {
  NJ_ASSIGN(TraceReader reader, TraceReader::Open(object));
  Collector collector;
  reader.ReadEvents(run, [&](std::string_view event) { collector.Add(event); });
  return collector.Finish();
}

}  // namespace nightjar
