// Who may come in: the policy's admission rules applied to each canvas, with the state that they
// need.
//
// Refusals of one kind for one canvas within a second share one incident, so that a flood of
// refused requests does not become a flood of records. Loop thread only.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "ipc/core/clock.h"
#include "ipc/core/ids.h"
#include "policies/admission.h"
#include "policies/limits.h"
#include "policies/quota.h"

namespace nightjar {

struct GateRefusal {
  policy::RefusalKind kind = policy::RefusalKind::kRate;
  std::string sentence;  // "more requests than limit rate = 50/s allows (policy.toml:7, default)"
  std::string limit;     // "rate": the limit that said no
  uint64_t retry_after_s = 1;
  RunId incident;               // shared by the refusals of this window
  bool opens_incident = false;  // the window's first: the one to record
};

class Gate {
 public:
  explicit Gate(const Clock& clock) : clock_(clock) {}

  // nullopt: come in. `used` is the day's use without what is running or queued.
  std::optional<GateRefusal> Ask(const std::string& canvas, const policy::Limits& limits,
                                 size_t running, size_t queued, policy::DayUse used = {});
  // A no that was decided elsewhere, with the incident that it shares.
  GateRefusal Refuse(const std::string& canvas, policy::RefusalKind kind, std::string sentence,
                     std::string limit, uint64_t retry_after_s);

 private:
  struct Window {
    MonoTime opened{};
    RunId incident;
  };
  void TakeIncident(const std::string& canvas, GateRefusal* refusal);
  struct Canvas {
    policy::AdmissionState state;
    std::map<policy::RefusalKind, Window> windows;
  };

  const Clock& clock_;
  std::map<std::string, Canvas> canvases_;  // only names of deployed canvases get here
};

}  // namespace nightjar
