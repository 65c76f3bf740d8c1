// Whether a run's trace is kept, and how much of it, by what policy says and what there is already.
// Pure.
//
// The archive asks it once for each run that has rules, when everything about the run is known and
// nothing is paid for yet. Chance is the run's own id, so that anybody can compute the answer
// again.
#pragma once

#include <cstdint>
#include <optional>

#include "ipc/core/ids.h"
#include "ipc/core/result.h"
#include "ipc/proto/control.pb.h"
#include "ipc/proto/writer.pb.h"

namespace nightjar {

// Of a canvas on one day.
struct TraceSpending {
  uint64_t events = 0;
  uint64_t bytes = 0;
  bool operator==(const TraceSpending&) const = default;
};

struct KeepingFacts {
  RunId run;
  const proto::TraceRow& row;
  bool killed = false;             // it has an incident
  bool first_of_revision = false;  // of its handler's runs that finished
  TraceSpending spent;             // before it
};

struct Keeping {
  proto::NotKept not_kept = proto::NOT_KEPT_NOTHING;
  std::string by;  // the policy's line; empty: nothing is left out
};

// One in `one_in`, by the random half of its id: whoever is one in 100 is one in 10 as well.
bool IsInSample(const RunId& run, uint64_t one_in);

// A run that nothing speaks for but chance, apart from being slow: one that finished, and whose
// answer blames nobody.
bool IsPlain(const proto::TraceRow& row);

// Kills are kept whole, whatever was spent. Errors, slow runs, firsts and what somebody asked for
// are exempt from the sample, and not from the budgets. A budget that is not used up lets a whole
// trace through: what is stored goes beyond it by less than that.
Keeping DecideKeeping(const proto::TraceRules& rules, const KeepingFacts& facts);

// A budget that is set and used up.
bool IsUsedUp(const proto::TraceRules& rules, const TraceSpending& spent);

// Whether there is a row and, by policy, nothing else.
bool IsOnlyRow(const proto::TraceRow& row);
// kNotKept, where that is so; for whoever asks for more than the row.
Status CheckKept(const proto::TraceRow& row);

}  // namespace nightjar
