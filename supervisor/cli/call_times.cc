#include "supervisor/cli/call_times.h"

#include <algorithm>
#include <limits>

#include "supervisor/cli/quantity.h"

namespace nightjar::cli {
namespace {

// Times beyond some 73 years are a worker's invention; a Unix time and two of them fit 64 bits.
constexpr uint64_t kLongestNs = std::numeric_limits<uint64_t>::max() / 8;

uint64_t NanosOf(uint64_t micros) {
  return std::min(micros, kLongestNs / 1000) * 1000;
}

uint64_t Minus(uint64_t from, uint64_t what) {
  return from - std::min(from, what);
}

// The supervisor's word; without it the newest event's.
uint64_t LengthOf(const proto::TraceDocument& document) {
  if (uint64_t wall_us = document.row().usage().wall_us(); wall_us > 0) return NanosOf(wall_us);
  uint64_t newest = 0;
  for (const proto::TraceEvent& event : document.events()) newest = std::max(newest, event.at_ns());
  for (const proto::TraceEvent& event : document.tail()) newest = std::max(newest, event.at_ns());
  return std::min(newest, kLongestNs);
}

}  // namespace

CallTimes::CallTimes(const proto::TraceDocument& document, const CallTree& tree)
    : queue_ns_(NanosOf(document.row().usage().queue_us())),
      run_ns_(LengthOf(document)),
      complete_(tree.dropped() == 0 && document.tail().empty() && !document.incomplete_object() &&
                document.events_left_out() == 0 && document.stream_refused().empty()),
      killed_(WasKilled(document.row().verdict())),
      times_(tree.size()) {
  times_[0] = {.start_ns = 0,
               .end_ns = queue_ns_ + run_ns_,
               .end = killed_ ? CallTime::End::kKilled : CallTime::End::kTold};
  for (size_t node = 1; node < tree.size(); ++node) Begin(tree, node);
  // A caller's number is smaller than its calls': its own times are final before theirs are bound.
  for (size_t node = 0; node < tree.size(); ++node) PlaceCallsOf(tree, node);
}

uint64_t CallTimes::Within(uint64_t at_ns) const {
  return queue_ns_ + std::min(at_ns, run_ns_);
}

// What the events of one call tell by themselves.
void CallTimes::Begin(const CallTree& tree, size_t at) {
  const TreeNode& node = tree.node(at);
  CallTime& time = times_[at];
  bool told = node.call != nullptr && (node.open == nullptr || node.call != &node.open->call());
  time.start_ns = Within(node.at_ns);
  time.end_ns = time.start_ns;
  if (node.kind != TreeNode::Kind::kCall) return;
  if (node.ended != nullptr) {
    time.end_ns = Within(node.ended_ns);
    if (!told)
      time.start_ns = Within(Minus(std::min(node.ended_ns, run_ns_), node.ended->elapsed_ns()));
  } else if (node.call != nullptr && node.call->has_result()) {
    return;  // one event, when it was done
  } else if (node.open != nullptr) {
    time.end = CallTime::End::kKilled;
    if (!told) time.start_ns = Within(Minus(run_ns_, node.open->open_ns()));
  } else {
    time.end = killed_ && complete_ ? CallTime::End::kKilled : CallTime::End::kMissing;
  }
}

void CallTimes::PlaceCallsOf(const CallTree& tree, size_t caller) {
  const CallTime& bounds = times_[caller];
  // From the last to the first, so that each knows when the next one begins.
  uint64_t next_ns = bounds.end_ns;
  bool last = true;
  const std::vector<size_t>& children = tree.node(caller).children;
  for (auto child = children.rbegin(); child != children.rend(); ++child) {
    const TreeNode& node = tree.node(*child);
    CallTime& time = times_[*child];
    time.start_ns = std::clamp(time.start_ns, bounds.start_ns, bounds.end_ns);
    if (node.kind == TreeNode::Kind::kCall) {
      // Without evidence of its own, only the innermost end of the tree can have been open.
      bool guessed = time.end == CallTime::End::kKilled && node.open == nullptr;
      if (guessed && (!last || bounds.end != CallTime::End::kKilled))
        time.end = CallTime::End::kMissing;
      if (time.end == CallTime::End::kKilled) time.end_ns = bounds.end_ns;
      if (time.end == CallTime::End::kMissing) time.end_ns = next_ns;
      next_ns = time.start_ns;
      last = false;
    }
    time.end_ns = std::clamp(time.end_ns, time.start_ns, bounds.end_ns);
  }
}

}  // namespace nightjar::cli
