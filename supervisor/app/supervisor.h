// The supervisor put together: everyone who is in the house, and who knows whom.
//
// Nothing here decides anything about a run. It starts the helpers, loads the catalog, opens the
// doors, does the upkeep once a second, and stops in order. Loop thread only.
#pragma once

#include <memory>

#include "supervisor/admission/gate.h"
#include "supervisor/app/boot.h"
#include "supervisor/app/canvas_front.h"
#include "supervisor/app/connection_store.h"
#include "supervisor/control/audit_trail.h"
#include "supervisor/control/control_service.h"
#include "supervisor/controls/control_keeper.h"
#include "supervisor/controls/controlled_policy.h"
#include "supervisor/http/server.h"
#include "supervisor/journal/writer_client.h"
#include "supervisor/proc/helper.h"
#include "supervisor/proc/strays.h"
#include "supervisor/proc/zygote_connection.h"
#include "supervisor/rules/rule_keeper.h"
#include "supervisor/run/deployer.h"
#include "supervisor/run/run_service.h"
#include "supervisor/usage/usage_tally.h"

namespace nightjar {

class Supervisor {
 public:
  explicit Supervisor(Booted booted);
  ~Supervisor();

  // Until it was told to stop and has stopped. The exit code of the process.
  int Run();
  // No helper can be restarted any more: stops as on SIGTERM, but the exit code says that it did
  // not want to.
  void LauncherLost();

 private:
  void OnWriterUp(Channel channel);
  void OnHelperDown();
  void LookForStrays();
  void OnZygoteUp(Channel channel);
  void SayWhatIsNotEnforced() const;
  // Of the policy in force; at the start and with each new policy.
  void SayWhichLimitIsNotEnforced() const;
  // Once policy lets a canvas run programs; then it stays.
  void StartExecZygote();
  void OnUsageLoaded(const Status& loaded);
  void OnCatalog(Result<std::vector<Journal::CatalogItem>> items);
  void OnControlChanged(const proto::Control& control);
  void OnControlsLoaded(const Status& loaded);
  void OpenDoors();
  Status StartServers();
  void Upkeep();
  // Counts what canvases have used until now, and tells the writer.
  void TellUsage();
  void ReloadPolicy();
  void TryPolicy();
  void TakePolicy(std::shared_ptr<const policy::Policy> policy);
  void TakeRules(Result<std::shared_ptr<const rules::RuleSet>> rules);
  void NoteHit(RuleKeeper::Event event, const proto::RuleHit& hit);
  void SayWhatIsOddInPolicy() const;
  // What the service manager shows of it, while it serves.
  std::string ServingLine() const;
  std::string MetricsText(const proto::StoreFigures* store);
  // The stop, step by step; each step waits for the one before.
  void Stop();
  void DrainRuns();
  void StopRuns();
  void StopWorkers();
  void StopCounting();
  void StopWriter();
  void StopZygote();
  void StopExecZygote();
  void StopConnections();
  void Stopped();
  void Fail(const Error& error);

  Booted booted_;
  SystemClock clock_;
  Loop& loop_;
  WriterClient journal_;
  ZygoteConnection zygote_;
  ZygoteConnection exec_zygote_;  // connected while policy lets some canvas run programs
  Metrics& metrics_;
  CanvasSeries series_;
  const UsageTally::Cpu cpu_;
  UsageTally usage_;
  CanvasBook book_;
  ControlBook controls_;
  // Policy with the controls in force.
  std::shared_ptr<const policy::Policy> in_force_;
  Gate gate_;
  WorkerFactory factory_;
  WorkerPool pool_;
  RunService runs_;
  Deployer deployer_;
  Rerunner rerunner_;
  MissedRoutes missed_;
  MissedHandler missed_handler_;
  Importer importer_;
  EventFeed feed_;
  AuditTrail audit_;
  ControlKeeper control_keeper_;
  RuleKeeper rule_keeper_;
  CanvasFront front_;
  ControlService control_;
  Helper writer_helper_;
  Helper zygote_helper_;
  Helper exec_zygote_helper_;
  ConnectionStore connections_;
  std::unique_ptr<http::Server> canvas_server_;
  std::unique_ptr<http::Server> control_server_;
  SignalWatch on_term_;
  SignalWatch on_int_;
  SignalWatch on_hup_;
  Timer upkeep_;
  Strays strays_;
  MonoTime look_for_strays_until_{};
  Timer look_for_strays_;
  Timer alive_;  // a loop that is stuck does not fire it, and is restarted by the service manager
  std::unique_ptr<Timer> waiting_;  // of the stop: looks again whether a step is done
  bool exec_started_ = false;
  bool catalog_loaded_ = false;
  bool controls_loaded_ = false;
  bool usage_loaded_ = false;
  bool open_ = false;
  PolicyLoad policy_load_;
  uint64_t policies_rejected_ = 0;
  std::string rules_trouble_;   // as policy_trouble_
  std::string policy_trouble_;  // why the file of the last reload was not taken
  bool reloading_ = false;
  MonoTime reload_until_{};
  Timer try_policy_;         // again, as it was being written
  uint32_t early_ends_ = 0;  // of helpers, before it ever served
  bool stopping_ = false;
  MonoTime drain_until_{};
  int exit_code_ = 0;
};

}  // namespace nightjar
