// The events of a trace as a tree of calls. Pure; events are hostile: anything may be missing,
// doubled or in the wrong order.
//
// A node's children stand in the order in which they happened. A call whose own event was dropped
// gets a node as soon as something refers to it, so that nothing recorded is lost from the picture.
// The document outlives the tree.
#pragma once

#include <cstdint>
#include <map>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "ipc/proto/control.pb.h"

namespace nightjar::cli {

struct TreeNode {
  enum class Kind { kCall, kBranch, kOutput, kGap };

  Kind kind = Kind::kCall;
  const proto::Call* call = nullptr;      // null: its event is missing
  const proto::Return* ended = nullptr;   // null: it never returned, or that is missing
  const proto::OpenCall* open = nullptr;  // it was open when the run was killed
  const proto::Branch* branch = nullptr;
  std::string_view line{};  // kOutput: what a program wrote, without its end
  uint32_t stream = 0;      // kOutput: its descriptor
  uint64_t call_id = 0;
  uint64_t at_ns = 0;      // of the event that told of it first, since the run's start
  uint64_t ended_ns = 0;   // of `ended`, likewise
  uint64_t dropped = 0;    // kGap
  uint64_t iteration = 0;  // of a lambda below one parent: 1, 2, 3 ...
  std::vector<size_t> children{};
};

class CallTree {
 public:
  explicit CallTree(const proto::TraceDocument& document);

  // Node 0 is the handler itself.
  const TreeNode& node(size_t at) const { return nodes_[at]; }
  size_t size() const { return nodes_.size(); }
  // Always a smaller number than the node's own; the handler's is itself.
  size_t parent(size_t at) const { return parents_[at]; }
  const proto::RunStart* start() const { return start_; }  // null: not recorded
  const proto::Value* result() const { return result_; }   // null: not recorded, or killed before
  uint64_t dropped() const { return dropped_; }
  uint64_t calls() const { return calls_; }

 private:
  size_t Add(TreeNode node, size_t parent);
  void TakeOutput(const proto::Output& output);
  // The node of a call by its id, made with what is known when there is none.
  size_t NodeOf(uint64_t call_id);
  void TakeCall(const proto::Call& call);
  void TakeReturn(const proto::Return& ended);

  std::vector<TreeNode> nodes_;
  std::unordered_map<uint64_t, size_t> by_id_;
  std::unordered_map<uint64_t, const proto::OpenCall*> open_;
  std::vector<size_t> parents_;                                 // by node
  std::map<std::pair<size_t, uint64_t>, uint64_t> iterations_;  // by parent and call site
  size_t current_ = 0;   // the innermost call that is known to be open
  uint64_t now_ns_ = 0;  // of the event that is being taken
  const proto::RunStart* start_ = nullptr;
  const proto::Value* result_ = nullptr;
  uint64_t dropped_ = 0;
  uint64_t calls_ = 0;
};

}  // namespace nightjar::cli
