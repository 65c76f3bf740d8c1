#include "supervisor/writer/replay.h"

#include <set>
#include <unordered_map>

#include "ipc/core/bounds.h"
#include "ipc/core/nearest_word.h"
#include "ipc/proto/replay.pb.h"
#include "supervisor/writer/event_head.h"
#include "supervisor/writer/trace_reader.h"

namespace nightjar {
namespace {

constexpr size_t kNames = 256;  // of functions, among which a misspelt one is looked for

std::string Times(uint64_t count) {
  return count == 1 ? "once" : std::to_string(count) + " times";
}

class Collector {
 public:
  // `function` outlives it; null: a whole run is to be done again.
  explicit Collector(const proto::ReplayFunction* function = nullptr)
      : function_(function), collecting_(function == nullptr || function->call() == 0) {}

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

  Result<proto::ReplayAnswer> FinishFunction(const RunId& run) {
    proto::ReplayAnswer answer;
    const std::string& name = function_->name();
    if (function_->call() > 0 && call_id_ == 0) {
      if (!complete_) return NoCall();
      answer.set_not_whole("there is a hole in the trace before that call of it");
      return answer;
    }
    proto::Replay replay;
    replay.mutable_function()->set_name(name);
    replay.mutable_function()->set_arguments_json(function_->arguments_json());
    for (proto::Value& arg : *args_.mutable_args()) {
      if (arg.has_truncated())
        answer.set_not_whole("an argument of that call was too large for its trace");
      *replay.mutable_function()->add_args() = std::move(arg);
    }
    for (auto& call : calls_)
      if (call.has_result()) *replay.add_calls() = std::move(call);
    answer.set_replay(replay.SerializeAsString());
    answer.mutable_patch()->set_run_id(run.ToString());
    answer.mutable_patch()->set_function(name);
    answer.mutable_patch()->set_call(function_->call());
    answer.mutable_patch()->set_call_id(call_id_);
    return answer;
  }

 private:
  tl::unexpected<Error> NoCall() const {
    const std::string name = "`" + function_->name() + "`";
    if (seen_ > 0)
      return Fail(ErrorCode::kNotFound, "this trace calls function " + name + " " + Times(seen_) +
                                            ": there is no call " +
                                            std::to_string(function_->call()));
    std::vector<std::string_view> names(names_.begin(), names_.end());
    return Fail(ErrorCode::kNotFound, "this trace calls no function " + name +
                                          DidYouMean(NearestWord(function_->name(), names)));
  }

  // Whether this is the call that is asked for.
  void Look(const proto::Call& call) {
    if (call.kind() != proto::CALL_KIND_FUNCTION) return;
    if (names_.size() < kNames) names_.insert(call.fn());
    if (call.fn() != function_->name() || ++seen_ != function_->call()) return;
    *args_.mutable_args() = call.args();
    call_id_ = call.call_id();
    collecting_ = true;
  }

  void Start(proto::RunStart& start) {
    if (start.has_input()) *replay_.mutable_input() = std::move(*start.mutable_input());
    *replay_.mutable_variables() = std::move(*start.mutable_variables());
    variables_cut_ = start.variables_cut();
  }

  void Open(const proto::Call& call) {
    if (function_ != nullptr && call_id_ == 0) Look(call);
    if (!collecting_) return;
    open_.erase(call.parent());  // it calls: its own results follow from theirs
    if (call.kind() != proto::CALL_KIND_BUILTIN || call.has_result()) return;
    open_[call.call_id()] = calls_.size();
    calls_.emplace_back().set_fn(call.fn());
  }

  void Close(proto::Return& result) {
    if (call_id_ != 0 && result.call_id() == call_id_) complete_ = true;
    auto open = open_.find(result.call_id());
    if (open == open_.end()) return;
    bytes_ += result.result().ByteSizeLong();
    if (bytes_ > bounds::kReplayBytes) complete_ = true;
    if (!complete_) *calls_[open->second].mutable_result() = std::move(*result.mutable_result());
    open_.erase(open);
  }

  const proto::ReplayFunction* const function_;
  std::set<std::string> names_;  // of functions that were called
  uint64_t seen_ = 0;            // calls of the one that is asked for
  uint64_t call_id_ = 0;         // of that call; 0: it was not seen yet
  proto::Call args_;             // its arguments alone
  bool collecting_;              // what is returned now counts
  proto::TraceEvent event_;      // reused
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

Result<proto::ReplayAnswer> MakeFunctionReplay(std::string_view object, const RunId& run,
                                               const proto::ReplayFunction& function) {
  NJ_ASSIGN(TraceReader reader, TraceReader::Open(object));
  Collector collector(&function);
  reader.ReadEvents(run, [&](std::string_view event) { collector.Add(event); });
  return collector.FinishFunction(run);
}

}  // namespace nightjar
