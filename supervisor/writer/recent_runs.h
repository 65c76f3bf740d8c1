// The ids of the runs that ended last: as many as a supervisor can be waiting to hear of.
#pragma once

#include <deque>
#include <unordered_set>

#include "ipc/core/bounds.h"
#include "ipc/core/ids.h"

namespace nightjar {

class RecentRuns {
 public:
  void Add(const RunId& run) {
    if (!runs_.insert(run).second) return;
    order_.push_back(run);
    if (order_.size() <= bounds::kJournalUnstoredRuns) return;
    runs_.erase(order_.front());
    order_.pop_front();
  }
  bool Has(const RunId& run) const { return runs_.count(run) > 0; }

 private:
  std::unordered_set<RunId> runs_;
  std::deque<RunId> order_;
};

}  // namespace nightjar
