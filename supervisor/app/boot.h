// Everything that needs root, of the host or of a user namespace, done once and in one place before
// it is given up: the host's check, the state directory, listeners, cgroups, the launcher. What
// comes out is held by an unprivileged process.
#pragma once

#include <memory>
#include <string>

#include "ipc/core/fd.h"
#include "ipc/ledger/run_ledger.h"
#include "ipc/proto/control.pb.h"
#include "policies/policy.h"
#include "rules/rule.h"
#include "supervisor/app/exec_disks.h"
#include "supervisor/app/identity.h"
#include "supervisor/app/options.h"
#include "supervisor/app/service_manager.h"
#include "supervisor/app/state_dir.h"
#include "supervisor/cell/cell.h"
#include "supervisor/host/privilege.h"
#include "supervisor/loop/loop.h"
#include "supervisor/metrics/metrics.h"
#include "supervisor/proc/launcher.h"
#include "supervisor/watch/deadline_guard.h"

namespace nightjar {

struct Booted {
  Options options;
  Identity identity;
  ServiceManager manager;
  std::shared_ptr<const policy::Policy> policy;
  std::shared_ptr<const rules::RuleSet> rules;
  proto::DoctorAnswer doctor;
  ExecDisks disks;
  std::unique_ptr<StateDir> state;
  std::unique_ptr<RunLedger> ledger;  // null: there can be none, which the log says
  std::string redaction_key;
  Fd canvas_listener;
  std::string canvas_address;  // as bound: "127.0.0.1:8080"
  Fd control_listener;
  std::unique_ptr<Loop> loop;
  std::unique_ptr<Launcher> launcher;
  std::unique_ptr<CellTree> cells;  // whose last kills may need the launcher
  std::unique_ptr<Metrics> metrics;
  std::unique_ptr<DeadlineGuard> guard;  // adds to the metrics
};

// Ends as an ordinary user for good. An error says in one line what the operator can do, and
// nothing was left behind that the next start would trip over. `launcher_lost`: called from the
// loop when no helper can be restarted any more.
Result<Booted> Boot(const Options& options, const Privilege& privilege,
                    std::function<void()> launcher_lost);

}  // namespace nightjar
