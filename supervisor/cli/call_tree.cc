#include "supervisor/cli/call_tree.h"

namespace nightjar::cli {

CallTree::CallTree(const proto::TraceDocument& document) {
  nodes_.emplace_back();
  by_id_[0] = 0;
  parents_.push_back(0);
  for (const proto::OpenCall& open : document.open_calls()) open_[open.call().call_id()] = &open;
  for (const proto::TraceEvent& event : document.events()) {
    now_ns_ = event.at_ns();
    switch (event.kind_case()) {
      case proto::TraceEvent::kRunStart:
        start_ = &event.run_start();
        break;
      case proto::TraceEvent::kRunEnd:
        if (event.run_end().has_result()) result_ = &event.run_end().result();
        break;
      case proto::TraceEvent::kCall:
        TakeCall(event.call());
        break;
      case proto::TraceEvent::kReturn:
        TakeReturn(event.return_());
        break;
      case proto::TraceEvent::kBranch:
        Add({.kind = TreeNode::Kind::kBranch, .branch = &event.branch()}, current_);
        break;
      case proto::TraceEvent::kGap:
        dropped_ += event.gap().dropped();
        Add({.kind = TreeNode::Kind::kGap, .dropped = event.gap().dropped()}, current_);
        break;
      case proto::TraceEvent::kOutput:
        TakeOutput(event.output());
        break;
      case proto::TraceEvent::KIND_NOT_SET:
        break;
    }
  }
  // The open calls that no event told of, outermost first, so that a parent comes before its
  // children.
  for (const proto::OpenCall& open : document.open_calls()) NodeOf(open.call().call_id());
}

size_t CallTree::Add(TreeNode node, size_t parent) {
  size_t at = nodes_.size();
  node.at_ns = now_ns_;
  nodes_.push_back(std::move(node));
  parents_.push_back(parent);
  nodes_[parent].children.push_back(at);
  return at;
}

void CallTree::TakeOutput(const proto::Output& output) {
  std::string_view rest = output.data();
  while (!rest.empty()) {
    size_t end = rest.find('\n');
    Add({.kind = TreeNode::Kind::kOutput, .line = rest.substr(0, end), .stream = output.stream()},
        current_);
    rest = end == std::string_view::npos ? "" : rest.substr(end + 1);
  }
}

size_t CallTree::NodeOf(uint64_t call_id) {
  if (auto known = by_id_.find(call_id); known != by_id_.end()) return known->second;
  TreeNode node{.call_id = call_id};
  // Where its event is missing, all that is known is in the list of open calls. Its parent there is
  // taken only when it is known too: a chain that a worker made up cannot lead anywhere.
  size_t parent = 0;
  if (auto open = open_.find(call_id); open != open_.end()) {
    node.open = open->second;
    node.call = &open->second->call();
    if (auto outer = by_id_.find(node.call->parent()); outer != by_id_.end())
      parent = outer->second;
  }
  size_t at = Add(std::move(node), parent);
  by_id_[call_id] = at;
  return at;
}

void CallTree::TakeCall(const proto::Call& call) {
  ++calls_;
  size_t parent = NodeOf(call.parent());
  TreeNode node{.call = &call, .call_id = call.call_id()};
  if (auto open = open_.find(call.call_id()); open != open_.end()) node.open = open->second;
  if (call.kind() == proto::CALL_KIND_LAMBDA)
    node.iteration = ++iterations_[{parent, call.expr_id()}];
  size_t at = Add(std::move(node), parent);
  if (call.call_id() != 0) by_id_[call.call_id()] = at;
  if (!call.has_result()) current_ = at;
}

void CallTree::TakeReturn(const proto::Return& ended) {
  size_t at = NodeOf(ended.call_id());
  if (at == 0) return;
  nodes_[at].ended = &ended;
  nodes_[at].ended_ns = now_ns_;
  current_ = parents_[at];
}

}  // namespace nightjar::cli
