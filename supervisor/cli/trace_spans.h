// The calls of a trace as other programs' formats want them: spans with names, times, attributes,
// and what happened in each; of a base or of one of its patches, not of both at once. Pure; its
// texts are printable.
//
// The formats' exporters take them one at a time, so that a large trace is never in memory as
// objects. Whatever is missing, cut or guessed is an attribute of the span that it concerns; those
// of the whole trace are the run's own. At a call, `nightjar.patched_by` is the newest patch of it.
// The documents outlive it.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "ipc/proto/control.pb.h"
#include "supervisor/cli/call_times.h"
#include "supervisor/cli/call_tree.h"
#include "supervisor/cli/render_value.h"

namespace nightjar::cli {

// By name: texts, whole numbers, truth values and lists of texts. Numbers that a double would
// change are texts.
using Attributes = nlohmann::ordered_json;

struct Moment {
  std::string name{};
  uint64_t at_ns = 0;
  Attributes attributes = Attributes::object();
};

struct Span {
  std::string name;
  CallTime time;
  Attributes attributes = Attributes::object();
  std::vector<Moment> moments{};  // in order
};

class TraceSpans {
 public:
  // `base`: of which the document is a patch, and which has it among its patches.
  TraceSpans(const proto::TraceDocument& document, Detail detail,
             const proto::TraceDocument* base = nullptr);

  // The spans are the tree's nodes that are calls, by their numbers; 0 is the run.
  size_t size() const { return tree_.size(); }
  bool IsSpan(size_t node) const { return tree_.node(node).kind == TreeNode::Kind::kCall; }
  size_t parent(size_t node) const { return tree_.parent(node); }
  uint64_t call_id(size_t node) const { return tree_.node(node).call_id; }
  const CallTime& time(size_t node) const { return times_.of(node); }
  Span At(size_t node) const;

 private:
  Span Run() const;
  void PutPatch(Span& run) const;
  void PutMissing(Span& run) const;
  void PutTail(Span& run) const;
  Moment MomentOf(size_t node) const;

  const proto::TraceDocument& document_;
  const proto::TraceDocument* base_;
  Detail detail_;
  std::map<uint64_t, int> in_force_;  // of the base: places in its patches, by call
  CallTree tree_;
  CallTimes times_;
};

}  // namespace nightjar::cli
