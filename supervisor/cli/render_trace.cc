#include "supervisor/cli/render_trace.h"

#include <algorithm>
#include <map>

#include "supervisor/cli/call_tree.h"
#include "supervisor/cli/patches_in_force.h"
#include "supervisor/cli/printable.h"
#include "supervisor/cli/quantity.h"

namespace nightjar::cli {
namespace {

constexpr size_t kLinesShown = 400;
constexpr size_t kChildrenShown = 24;     // of one call: the first ones, and
constexpr size_t kLastChildrenShown = 4;  // the last ones
constexpr size_t kDeepestIndent = 30;     // deeper calls say their depth instead

std::string Indent(size_t depth) {
  if (depth <= kDeepestIndent) return std::string(2 * depth, ' ');
  return std::string(2 * kDeepestIndent, ' ') + "[" + std::to_string(depth) + "] ";
}

// What a program wrote to one of its descriptors.
std::string OutputText(uint32_t stream, std::string_view text, const Paint& paint) {
  std::string name = stream == 2 ? paint.Bad("stderr") : paint.Dim("stdout");
  return name + "  " + Printable(text);
}

class TreeText {
 public:
  // `newer`: what is said at calls of the tree, by their ids.
  TreeText(const proto::TraceDocument& document, const CallTree& tree,
           const std::map<uint64_t, std::string>& newer, Detail detail, const Paint& paint)
      : tree_(tree),
        newer_(newer),
        detail_(detail),
        paint_(paint),
        killed_(WasKilled(document.row().verdict())),
        imported_(!document.row().imported_from().empty()),
        has_holes_(tree.dropped() > 0 || !document.tail().empty() || document.incomplete_object() ||
                   document.events_left_out() > 0 || !document.stream_refused().empty()) {}

  // Without recursion: a program's calls may be nested ten thousand deep.
  std::string Render() {
    std::vector<Step> todo;
    PushChildren(0, 1, &todo);
    while (!todo.empty()) {
      Step step = todo.back();
      todo.pop_back();
      if (detail_ == Detail::kShort && lines_ == kLinesShown) {
        text_ += "  " + paint_.Dim("... more follows: --full shows all of it") + "\n";
        break;
      }
      ++lines_;
      text_ += Indent(step.depth) + (step.left_out > 0 ? LeftOut(step) : Line(step)) + "\n";
      if (step.left_out == 0) PushChildren(step.node, step.depth + 1, &todo);
    }
    return std::move(text_);
  }

 private:
  struct Step {
    size_t node = 0;
    size_t depth = 0;
    size_t left_out = 0;  // > 0: not a node, but so many that are not shown
  };

  void PushChildren(size_t node, size_t depth, std::vector<Step>* todo) {
    const std::vector<size_t>& children = tree_.node(node).children;
    size_t skip_from = children.size();
    size_t skip_to = children.size();
    if (detail_ == Detail::kShort && children.size() > kChildrenShown + kLastChildrenShown + 1) {
      skip_from = kChildrenShown;
      skip_to = children.size() - kLastChildrenShown;
    }
    for (size_t i = children.size(); i-- > 0;) {
      if (i >= skip_from && i < skip_to) {
        if (i == skip_from) todo->push_back({0, depth, skip_to - skip_from});
      } else {
        todo->push_back({children[i], depth});
      }
    }
  }

  std::string LeftOut(const Step& step) const {
    return paint_.Dim("... " + std::to_string(step.left_out) +
                      " more of this call's steps: --full shows them");
  }

  std::string Line(const Step& step) const {
    const TreeNode& node = tree_.node(step.node);
    switch (node.kind) {
      case TreeNode::Kind::kBranch:
        return paint_.Dim("branch, arm " + std::to_string(node.branch->arm()));
      case TreeNode::Kind::kOutput:
        return OutputText(node.stream, node.line, paint_);
      case TreeNode::Kind::kGap:
        return paint_.Warn("--- " + CountText(node.dropped, "event is", "events are") +
                           " missing here ---");
      case TreeNode::Kind::kCall:
        break;
    }
    return CallLine(node);
  }

  std::string CallLine(const TreeNode& node) const {
    std::string text = node.call != nullptr ? RenderCall(*node.call, detail_, paint_)
                                            : paint_.Warn("a call whose start is missing");
    if (node.iteration > 0) text = paint_.Dim("#" + std::to_string(node.iteration) + " ") + text;
    if (node.ended != nullptr) {
      text += " = " + paint_.Good(RenderValue(node.ended->result(), detail_));
      if (!imported_) text += "  " + paint_.Dim(NanosText(node.ended->elapsed_ns()));
    } else if (node.call != nullptr && node.call->has_result()) {
      text += " = " + paint_.Good(RenderValue(node.call->result(), detail_));
    } else if (node.open != nullptr) {
      text += "  " + paint_.Bad("still open when killed") + ", after " +
              NanosText(node.open->open_ns());
    } else if (killed_ && !has_holes_) {
      text += "  " + paint_.Bad("still open when killed");
    } else if (imported_) {
      text += "  " + paint_.Dim("its result is not stored");
    } else {
      text += "  " + paint_.Warn("its return is missing");
    }
    if (auto newer = newer_.find(node.call_id); newer != newer_.end())
      text += "  " + paint_.Warn(newer->second);
    return text;
  }

  const CallTree& tree_;
  const std::map<uint64_t, std::string>& newer_;
  Detail detail_;
  const Paint& paint_;
  bool killed_;
  bool imported_;  // then there are no times
  bool has_holes_;
  size_t lines_ = 0;
  std::string text_;
};

// What of it is not there was never stored.
std::string ImportedHeader(const proto::TraceRow& row, const std::string& what,
                           const Paint& paint) {
  std::string dark = row.imported_received_unix_us() == 0
                         ? "at an unknown time"
                         : "at " + ClockText(row.imported_received_unix_us());
  std::string text = paint.Bold(Printable(what)) + "  imported from classic Dark\n";
  text += "Dark's trace " + Printable(row.imported_from()) + ", " + dark +
          ". Dark stored no answer, no status, no times, not who called whom, and of most calls "
          "not the arguments.\n";
  text += paint.Dim("canvas " + Printable(row.canvas()) + " revision " +
                    std::to_string(row.revision()) + ", handler " + Printable(row.handler()) +
                    ", imported at " + ClockText(row.received_unix_us()) + " by " +
                    Printable(row.caller()) + ", trace " + row.run_id()) +
          "\n";
  return text;
}

std::string Header(const proto::TraceRow& row, const Paint& paint) {
  std::string what = row.request_line().empty() ? row.handler() : row.request_line();
  if (!row.imported_from().empty()) return ImportedHeader(row, what, paint);
  std::string verdict = VerdictText(row.verdict());
  std::string text =
      paint.Bold(Printable(what)) + "  " +
      (row.verdict() == proto::VERDICT_FINISHED ? paint.Good(verdict) : paint.Bad(verdict));
  if (row.http_status() != 0) text += " " + std::to_string(row.http_status());
  text += "\n";
  if (!row.detail().empty()) text += Printable(row.detail()) + "\n";
  const proto::Usage& usage = row.usage();
  text += paint.Dim("canvas " + Printable(row.canvas()) + " revision " +
                    std::to_string(row.revision()) + ", handler " + Printable(row.handler()) +
                    ", at " + ClockText(row.received_unix_us()) +
                    (row.caller().empty() ? "" : ", from " + Printable(row.caller())) +
                    (row.machine().empty() ? "" : ", on machine " + Printable(row.machine()))) +
          "\n";
  text += paint.Dim("wall " + TimeText(usage.wall_us()) + ", cpu " + TimeText(usage.cpu_us()) +
                    ", memory " + BytesText(usage.memory_peak_bytes()) + ", waited " +
                    TimeText(usage.queue_us()) + ", trace " + row.run_id()) +
          "\n";
  if (!row.policy_version().empty())
    text += paint.Dim("policy " + Printable(row.policy_version())) + "\n";
  if (!row.rerun_of().empty())
    text += paint.Dim("does " + Printable(row.rerun_of()) + " again") + "\n";
  return text;
}

std::string InputText(const proto::RunStart& start, Detail detail) {
  std::string text;
  if (start.has_input()) text += "input " + RenderValue(start.input(), detail) + "\n";
  for (const proto::Header& variable : start.variables())
    text += "route " + Printable(variable.name()) + " = " + Printable(variable.value()) + "\n";
  if (start.variables_cut())
    text += "route ... more variables, which were too large for the trace\n";
  return text;
}

std::string WhatIsMissing(const proto::TraceDocument& document, const CallTree& tree,
                          const Paint& paint) {
  std::string text;
  auto say = [&](const std::string& line) { text += paint.Warn(line) + "\n"; };
  const proto::TraceRow& row = document.row();
  uint64_t dropped = std::max(tree.dropped(), row.usage().trace_dropped());
  dropped -= std::min(dropped, row.events_not_kept());
  if (row.events_not_kept() > 0)
    say(CountText(row.events_not_kept(), "event was", "events were") + " not kept, by " +
        Printable(row.not_kept_by()) + ".");
  if (dropped > 0)
    say(CountText(dropped, "event was", "events were") + " dropped: the trace was full.");
  if (document.incomplete_object()) say("The stored trace is damaged: this is what could be read.");
  if (!document.stream_refused().empty())
    say("The worker broke its ring after the last event: " + Printable(document.stream_refused()));
  if (document.events_left_out() > 0)
    say(CountText(document.events_left_out(), "event is", "events are") +
        " stored but too much for one answer.");
  return text;
}

std::string NameOf(const proto::Call& call, const Paint& paint) {
  bool lambda = call.kind() == proto::CALL_KIND_LAMBDA && call.fn().empty();
  return paint.Name(lambda ? "lambda" : Printable(call.fn()));
}

std::string CallsMade(const proto::OpenCall& open) {
  return open.calls() == 0 ? "" : ", made " + CountText(open.calls(), "call", "calls");
}

}  // namespace

std::string RenderCall(const proto::Call& call, Detail detail, const Paint& paint) {
  std::string text = NameOf(call, paint) + "(";
  for (int i = 0; i < call.args_size(); ++i)
    text += (i > 0 ? ", " : "") + RenderValue(call.args(i), detail);
  return text + ")";
}

std::string RenderEvent(const proto::TraceEvent& event, const Paint& paint) {
  std::string text = paint.Dim("+" + NanosText(event.at_ns())) + "  ";
  switch (event.kind_case()) {
    case proto::TraceEvent::kRunStart:
      return text + "the run starts";
    case proto::TraceEvent::kRunEnd:
      return text + "the run ends";
    case proto::TraceEvent::kCall:
      text += "call   " + RenderCall(event.call(), Detail::kShort, paint);
      if (event.call().has_result())
        text += " = " + paint.Good(RenderValue(event.call().result(), Detail::kShort));
      return text;
    case proto::TraceEvent::kReturn:
      return text + "return " + paint.Good(RenderValue(event.return_().result(), Detail::kShort)) +
             paint.Dim("  after " + NanosText(event.return_().elapsed_ns()));
    case proto::TraceEvent::kBranch:
      return text + "branch, arm " + std::to_string(event.branch().arm());
    case proto::TraceEvent::kOutput:
      return text + OutputText(event.output().stream(), event.output().data(), paint);
    case proto::TraceEvent::kGap:
      return text + paint.Warn("--- " + CountText(event.gap().dropped(), "event is", "events are") +
                               " missing here ---");
    case proto::TraceEvent::KIND_NOT_SET:
      break;
  }
  return text + "an event that this version of nightjar does not know";
}

std::string RenderOpenCalls(const google::protobuf::RepeatedPtrField<proto::OpenCall>& calls,
                            uint64_t calls_open, Detail detail, const Paint& paint) {
  constexpr int kShown = 12;  // the outermost and the innermost half of them
  std::string text;
  int count = calls.size();
  for (int i = 0; i < count; ++i) {
    if (detail == Detail::kShort && count > kShown + 1 && i == kShown / 2) {
      int skipped = count - kShown;
      uint64_t unlisted =
          calls_open > static_cast<uint64_t>(count) ? calls_open - static_cast<uint64_t>(count) : 0;
      text += "  " +
              paint.Dim("... " + std::to_string(static_cast<uint64_t>(skipped) + unlisted) +
                        " more between") +
              "\n";
      i += skipped - 1;
      continue;
    }
    // Only the innermost calls' arguments are known.
    const proto::Call& call = calls[i].call();
    text += "  " + (call.args_size() > 0 ? RenderCall(call, detail, paint) : NameOf(call, paint)) +
            "  " + paint.Dim("open for " + NanosText(calls[i].open_ns()) + CallsMade(calls[i])) +
            "\n";
  }
  return text;
}

namespace {

// Without its patches.
std::string RenderRun(const proto::TraceDocument& document,
                      const std::map<uint64_t, std::string>& newer, Detail detail,
                      const Paint& paint) {
  CallTree tree(document);
  std::string text = Header(document.row(), paint) + "\n";
  if (tree.start() != nullptr) text += InputText(*tree.start(), detail);
  text += TreeText(document, tree, newer, detail, paint).Render();
  if (tree.result() != nullptr)
    text += "result " + paint.Good(RenderValue(*tree.result(), detail)) + "\n";
  if (!document.tail().empty()) {
    text += "\nIts last moments:\n";
    for (const proto::TraceEvent& event : document.tail())
      text += "  " + RenderEvent(event, paint) + "\n";
  }
  std::string missing = WhatIsMissing(document, tree, paint);
  return missing.empty() ? text : text + "\n" + missing;
}

}  // namespace

std::string RenderTrace(const proto::TraceDocument& document, Detail detail, const Paint& paint) {
  std::map<uint64_t, std::string> newer;
  for (const auto& [call_id, patch] : PatchesInForce(document))
    newer[call_id] = "newer: patch " + std::to_string(patch + 1) + " below";
  std::string text = RenderRun(document, newer, detail, paint);
  for (int i = 0; i < document.patches_size(); ++i) {
    const proto::TraceDocument& patch = document.patches(i);
    text += "\n" + paint.Bold(PatchTitle(patch.row().patch(), i + 1)) + "\n" +
            RenderRun(patch, {}, detail, paint);
  }
  return text;
}

}  // namespace nightjar::cli
