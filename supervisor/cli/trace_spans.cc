#include "supervisor/cli/trace_spans.h"

#include <algorithm>

#include "supervisor/cli/paint.h"
#include "supervisor/cli/patches_in_force.h"
#include "supervisor/cli/printable.h"
#include "supervisor/cli/quantity.h"
#include "supervisor/cli/render_trace.h"

namespace nightjar::cli {
namespace {

constexpr size_t kValueColumns = 400;    // of one value in a short export
constexpr uint64_t kExact = 1ull << 53;  // whole numbers up to here survive JSON's readers

void PutNumber(Attributes& attributes, const std::string& name, uint64_t number) {
  if (number <= kExact)
    attributes[name] = number;
  else
    attributes[name] = std::to_string(number);
}

void PutText(Attributes& attributes, const std::string& name, std::string_view text) {
  if (!text.empty()) attributes[name] = Printable(text);
}

// Texts of values, and how many of them are not whole.
class ValueTexts {
 public:
  explicit ValueTexts(Detail detail) : detail_(detail) {}

  std::string Text(const proto::Value& value) {
    std::string text = RenderValue(value, detail_);
    bool recorded_whole = !value.has_truncated();
    if (detail_ == Detail::kFull) {
      if (!recorded_whole) ++cut_;
      return text;
    }
    std::string shown = CutTo(text, kValueColumns);
    if (!recorded_whole || shown != RenderValue(value, Detail::kFull)) ++cut_;
    return shown;
  }

  void Tell(Attributes& attributes) const {
    if (cut_ > 0) attributes["nightjar.values_cut"] = cut_;
  }

 private:
  Detail detail_;
  uint64_t cut_ = 0;
};

const char* KindName(proto::CallKind kind) {
  switch (kind) {
    case proto::CALL_KIND_FUNCTION:
      return "function";
    case proto::CALL_KIND_LAMBDA:
      return "lambda";
    case proto::CALL_KIND_BUILTIN:
      return "builtin";
    case proto::CALL_KIND_PROGRAM:
      return "program";
    default:
      return "unknown";
  }
}

std::string NameOf(const TreeNode& node) {
  if (node.call == nullptr) return "a call whose start is missing";
  if (!node.call->fn().empty()) return Printable(node.call->fn());
  return node.call->kind() == proto::CALL_KIND_LAMBDA ? "lambda" : "a call without a name";
}

void PutEnd(const CallTime& time, Attributes& attributes) {
  if (time.end == CallTime::End::kKilled)
    attributes["nightjar.end"] = "still open when killed";
  else if (time.end == CallTime::End::kMissing)
    attributes["nightjar.end"] = "its return is missing";
}

void PutCall(const TreeNode& node, ValueTexts& values, Attributes& attributes) {
  PutNumber(attributes, "nightjar.call_id", node.call_id);
  if (node.call != nullptr) {
    PutText(attributes, "code.function.name", node.call->fn());
    attributes["nightjar.call_kind"] = KindName(node.call->kind());
    if (node.call->expr_id() != 0)
      PutNumber(attributes, "nightjar.call_site", node.call->expr_id());
    if (node.call->args_size() > 0) {
      Attributes texts = Attributes::array();
      for (const proto::Value& value : node.call->args()) texts.push_back(values.Text(value));
      attributes["nightjar.args"] = std::move(texts);
    }
  }
  if (node.iteration > 0) PutNumber(attributes, "nightjar.iteration", node.iteration);
  if (node.ended != nullptr)
    attributes["nightjar.result"] = values.Text(node.ended->result());
  else if (node.call != nullptr && node.call->has_result())
    attributes["nightjar.result"] = values.Text(node.call->result());
  if (node.open != nullptr && node.open->calls() > 0)
    PutNumber(attributes, "nightjar.calls_made", node.open->calls());
}

// "GET /fib/4?x=1" in its parts, as OpenTelemetry names them. A run that no request started has
// none.
void PutRequest(const proto::TraceRow& row, Attributes& attributes) {
  const std::string& line = row.request_line();
  size_t space = line.find(' ');
  if (space == std::string::npos || line.compare(space, 2, " /") != 0) return;
  std::string method = line.substr(0, space);
  std::string target = line.substr(space + 1);
  size_t query = std::min(target.find('?'), target.size());
  PutText(attributes, "http.request.method", method);
  PutText(attributes, "url.path", target.substr(0, query));
  if (query < target.size()) PutText(attributes, "url.query", target.substr(query + 1));
  if (row.handler().rfind(method + " ", 0) == 0)
    PutText(attributes, "http.route", row.handler().substr(method.size() + 1));
}

void PutRow(const proto::TraceRow& row, Attributes& attributes) {
  PutText(attributes, "nightjar.canvas", row.canvas());
  PutText(attributes, "nightjar.handler", row.handler());
  PutNumber(attributes, "nightjar.tlid", row.tlid());
  PutNumber(attributes, "nightjar.revision", row.revision());
  PutText(attributes, "nightjar.run_id", row.run_id());
  attributes["nightjar.verdict"] = VerdictText(row.verdict());
  PutText(attributes, "nightjar.detail", row.detail());
  PutText(attributes, "nightjar.request_line", row.request_line());
  PutText(attributes, "nightjar.caller", row.caller());
  PutRequest(row, attributes);
  if (row.http_status() != 0) attributes["http.response.status_code"] = row.http_status();
}

// What is zero is left out, as in the supervisor's own JSON.
void PutUsage(const proto::Usage& usage, Attributes& attributes) {
  auto put = [&](const char* name, uint64_t number) {
    if (number > 0) PutNumber(attributes, std::string("nightjar.usage.") + name, number);
  };
  put("wall_us", usage.wall_us());
  put("cpu_us", usage.cpu_us());
  put("queue_us", usage.queue_us());
  put("memory_peak_bytes", usage.memory_peak_bytes());
  put("pids_peak", usage.pids_peak());
  put("output_bytes", usage.output_bytes());
  put("trace_bytes", usage.trace_bytes());
  put("trace_events", usage.trace_events());
  put("trace_dropped", usage.trace_dropped());
  put("steps", usage.steps());
  put("value_bytes", usage.value_bytes());
}

Moment GapMoment(uint64_t dropped, uint64_t at_ns) {
  Moment moment{.name = "events are missing", .at_ns = at_ns};
  PutNumber(moment.attributes, "nightjar.dropped", dropped);
  return moment;
}

}  // namespace

TraceSpans::TraceSpans(const proto::TraceDocument& document, Detail detail,
                       const proto::TraceDocument* base)
    : document_(document),
      base_(base),
      detail_(detail),
      in_force_(PatchesInForce(base == nullptr ? document : *base)),
      tree_(document),
      times_(document, tree_) {}

Span TraceSpans::At(size_t at) const {
  const TreeNode& node = tree_.node(at);
  Span span = at == 0 ? Run() : Span{.name = NameOf(node), .time = times_.of(at)};
  if (at != 0) {
    ValueTexts values(detail_);
    PutCall(node, values, span.attributes);
    PutEnd(span.time, span.attributes);
    if (auto newest = in_force_.find(node.call_id); base_ == nullptr && newest != in_force_.end())
      PutText(span.attributes, "nightjar.patched_by",
              document_.patches(newest->second).row().run_id());
    values.Tell(span.attributes);
  }
  for (size_t child : node.children)
    if (!IsSpan(child)) span.moments.push_back(MomentOf(child));
  if (at == 0) PutTail(span);
  return span;
}

Span TraceSpans::Run() const {
  const proto::TraceRow& row = document_.row();
  const std::string& name = base_ == nullptr ? row.handler() : row.patch().function();
  Span run{.name = Printable(name), .time = times_.of(0)};
  if (run.name.empty()) run.name = "run";
  PutRow(row, run.attributes);
  if (base_ != nullptr) PutPatch(run);
  ValueTexts values(detail_);
  if (const proto::RunStart* start = tree_.start(); start != nullptr) {
    if (start->has_input()) run.attributes["nightjar.input"] = values.Text(start->input());
    for (const proto::Header& variable : start->variables())
      run.attributes["nightjar.route." + variable.name()] = variable.value();
  }
  if (tree_.result() != nullptr) run.attributes["nightjar.result"] = values.Text(*tree_.result());
  values.Tell(run.attributes);
  PutUsage(row.usage(), run.attributes);
  PutMissing(run);
  run.moments.push_back({.name = "the worker starts", .at_ns = times_.Within(0)});
  return run;
}

// What it is a patch of, and whether its result is the one that counts.
void TraceSpans::PutPatch(Span& run) const {
  const proto::PatchOf& patch = document_.row().patch();
  PutText(run.attributes, "nightjar.patch.of", patch.run_id());
  PutText(run.attributes, "nightjar.patch.function", patch.function());
  if (patch.call() == 0) {
    run.attributes["nightjar.patch.other_arguments"] = true;
    return;
  }
  PutNumber(run.attributes, "nightjar.patch.call", patch.call());
  PutNumber(run.attributes, "nightjar.patch.call_id", patch.call_id());
  auto newest = in_force_.find(patch.call_id());
  run.attributes["nightjar.patch.in_force"] =
      newest != in_force_.end() && &base_->patches(newest->second) == &document_;
}

void TraceSpans::PutMissing(Span& run) const {
  const uint64_t not_kept = document_.row().events_not_kept();
  uint64_t dropped = std::max(tree_.dropped(), document_.row().usage().trace_dropped());
  dropped -= std::min(dropped, not_kept);
  if (not_kept > 0) PutNumber(run.attributes, "nightjar.missing.not_kept", not_kept);
  if (dropped > 0) PutNumber(run.attributes, "nightjar.missing.dropped", dropped);
  if (document_.events_left_out() > 0)
    PutNumber(run.attributes, "nightjar.missing.left_out", document_.events_left_out());
  if (document_.incomplete_object()) run.attributes["nightjar.missing.damaged"] = true;
  PutText(run.attributes, "nightjar.missing.ring_broken", document_.stream_refused());
}

// The last moments of a killed run. Between them and the stream events are missing, so that they
// have no certain place in the tree: they are told in words.
void TraceSpans::PutTail(Span& run) const {
  for (const proto::TraceEvent& event : document_.tail()) {
    Moment moment{.name = "last moments", .at_ns = times_.Within(event.at_ns())};
    moment.attributes["nightjar.event"] = RenderEvent(event, Paint());
    run.moments.push_back(std::move(moment));
  }
}

Moment TraceSpans::MomentOf(size_t at) const {
  const TreeNode& node = tree_.node(at);
  uint64_t at_ns = times_.of(at).start_ns;
  if (node.kind == TreeNode::Kind::kGap) return GapMoment(node.dropped, at_ns);
  Moment moment{.at_ns = at_ns};
  if (node.kind == TreeNode::Kind::kBranch) {
    moment.name = "branch";
    PutNumber(moment.attributes, "nightjar.arm", node.branch->arm());
    if (node.branch->expr_id() != 0)
      PutNumber(moment.attributes, "nightjar.call_site", node.branch->expr_id());
    return moment;
  }
  moment.name = node.stream == 2 ? "stderr" : "stdout";
  moment.attributes["nightjar.line"] = Printable(node.line);
  return moment;
}

}  // namespace nightjar::cli
