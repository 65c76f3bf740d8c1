// The control plane: HTTP/JSON on the Unix socket, for `nightjar` and curl. What each path answers
// is written in ipc/proto/control.proto.
//
// Who may: the socket has mode 0600 and every request's peer must be root or the supervisor's own
// user. What lies in storage is asked from the writer and passed on. Every request that acts, or
// that is turned away, leaves an entry in the audit log before it is answered. Loop thread only.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "ipc/proto/control.pb.h"
#include "policies/policy.h"
#include "supervisor/canvas/canvas_book.h"
#include "supervisor/control/audit_trail.h"
#include "supervisor/control/control_call.h"
#include "supervisor/control/event_stream.h"
#include "supervisor/controls/control_keeper.h"
#include "supervisor/http/server.h"
#include "supervisor/journal/journal.h"
#include "supervisor/journal/missed_routes.h"
#include "supervisor/policy/policy_load.h"
#include "supervisor/rules/rule_keeper.h"
#include "supervisor/run/deployer.h"
#include "supervisor/run/importer.h"
#include "supervisor/run/missed_handler.h"
#include "supervisor/run/rerunner.h"
#include "supervisor/run/run_service.h"

namespace nightjar {

class ControlService {
 public:
  // Where the rules in force are from.
  struct RulesFile {
    std::string path;     // empty: they come with the program
    std::string trouble;  // why it was not taken when it was last read
  };
  struct Needs {
    Loop& loop;
    const Clock& clock;
    CanvasBook& book;
    CellTree& cells;
    Deployer& deployer;
    Journal& journal;
    MissedRoutes& missed;
    Metrics& metrics;
    RunService& runs;
    Rerunner& rerunner;
    MissedHandler& missed_handler;
    Importer& importer;
    WorkerPool& pool;
    EventFeed& feed;
    AuditTrail& audit;
    ControlKeeper& controls;
    RuleKeeper& rules;
    std::function<std::shared_ptr<const policy::Policy>()> policy;
    // As Prometheus reads it. Null: there are no figures of a store for traces.
    std::function<std::string(const proto::StoreFigures* store)> metrics_text;
    proto::DoctorAnswer doctor;      // as it was at the start
    std::string redaction_key = {};  // as of CanvasFront
    std::function<PolicyLoad()> policy_load = [] { return PolicyLoad(); };
    // Counts what canvases have used until now, and tells the writer.
    std::function<void()> tell_usage = {};
    std::function<RulesFile()> rules_file = [] { return RulesFile(); };
  };
  explicit ControlService(Needs needs);

  // What the writer has figures of: a store that is not on this machine, an index that machines
  // share.
  void ExpectStoreFigures() { store_figures_ = true; }

  void Handle(http::Request request, http::Responder responder);

 private:
  using Call = ControlCall;
  struct RunFilter;
  void Route(Call call);
  void Deploy(Call call, const std::string& canvas);
  void RunOnce(Call call, const std::string& canvas, const std::string& handler);
  void Canvases(Call call);
  void Runs(Call call);
  void Why(Call call, const std::string& id);
  void KillRun(Call call, const std::string& id);
  void KillAll(Call call);
  void KillMatching(Call call, const RunFilter& filter);
  void MakeControl(Call call);
  void TakeEffect(const proto::ControlOrder& order, const proto::Control& control,
                  proto::ControlAnswer* answer, const std::function<void()>& done);
  void LiftControl(Call call, const std::string& id);
  void ListControls(Call call);
  void ListAudit(Call call);
  void VerifyAudit(Call call);
  void Limits(Call call, const std::string& canvas);
  void ListTraces(Call call, const std::string& canvas);
  void GetTrace(Call call, const std::string& canvas, const std::string& id);
  void Rerun(Call call, const std::string& canvas, const std::string& id);
  void RunFunction(Call call, const std::string& canvas, const std::string& id,
                   const std::string& function);
  static std::string ReadRerun(const Call& call, const std::string& canvas, const std::string& id,
                               RerunOrder* order);
  void DoAgain(Call call, RerunOrder order);
  void ImportTrace(Call call, const std::string& canvas);
  std::string ReadFilters(const Call& call, const Revision& revision,
                          proto::ListTraces* question) const;
  void ListHolds(Call call);
  void HoldTrace(Call call, const std::string& canvas, const std::string& id);
  void ReleaseTrace(Call call, const std::string& canvas, const std::string& id);
  void DeleteTrace(Call call, const std::string& canvas, const std::string& id);
  void GetObject(Call call, const std::string& canvas, const RunId& id);
  void GetMetrics(Call call);
  void ListMissed(Call call, const std::string& canvas);
  void HandleMissed(Call call, const std::string& canvas);
  void ListIncidents(Call call);
  void GetIncident(Call call, const std::string& id);
  void GetIncidentLink(Call call, const std::string& id);
  void GetTimeline(Call call, const std::string& canvas);
  void GetSource(Call call, const std::string& canvas, const std::string& revision);
  void VerifyIncidents(Call call);
  void ListRules(Call call);
  void ListRuleHits(Call call);
  void ListCounters(Call call);
  void Usage(Call call);
  void Events(Call call);

  Needs needs_;
  bool store_figures_ = false;
  std::map<uint64_t, std::unique_ptr<EventStream>> streams_;
  uint64_t next_stream_ = 1;
};

}  // namespace nightjar
