// The canvases' front door: an HTTP request in, a run of the right handler, its answer out.
//
// The canvas is the one that the policy gives the domain to, else the first label of Host. Route,
// then admission, then a run; whatever stands in the way is answered here with a status, a sentence
// and, where there is an incident, its id. A flood of such answers is paced, canvas by canvas, so
// that it costs the others nothing. Loop thread only.
#pragma once

#include <functional>
#include <map>
#include <memory>

#include "policies/policy.h"
#include "supervisor/admission/gate.h"
#include "supervisor/admission/refusal_pace.h"
#include "supervisor/canvas/canvas_book.h"
#include "supervisor/controls/control_book.h"
#include "supervisor/feed/event_feed.h"
#include "supervisor/http/server.h"
#include "supervisor/journal/missed_routes.h"
#include "supervisor/rules/activity.h"
#include "supervisor/run/run_service.h"
#include "supervisor/usage/usage_tally.h"

namespace nightjar {

class CanvasFront {
 public:
  struct Needs {
    Loop& loop;
    const Clock& clock;
    CanvasBook& book;
    Gate& gate;
    const ControlBook& controls;
    RunService& runs;
    Metrics& metrics;
    Journal& journal;
    MissedRoutes& missed;
    EventFeed& feed;
    UsageTally& usage;
    Activity& activity;
    std::function<std::shared_ptr<const policy::Policy>()> policy;
    std::string redaction_key = {};  // of this host; empty: what is to be hashed is dropped
  };
  explicit CanvasFront(Needs needs);

  void Handle(http::Request request, http::Responder responder);

 private:
  std::string CanvasOf(const std::string& host) const;
  // Notes a request that no route took, and tells who looks on.
  void Miss(const std::string& canvas, const http::Request& request, const RouteMatch& match);
  void Refuse(const GateRefusal& refusal, const RunOrder& order, http::Responder responder);
  // Refused because of an operator's control, or made to wait for its end. False: refused.
  bool PassControls(RunOrder* order, size_t queued, http::Responder* responder);

  // An answer without a run, when its turn has come.
  struct Refusal {
    http::Response response;
    http::Responder responder;
  };
  void SendInTurn(const std::string& canvas, Refusal refusal);
  void SendDue();

  Needs needs_;
  RefusalPace pace_;
  std::multimap<MonoTime, Refusal> held_;  // by their turns
  Timer turn_;
};

}  // namespace nightjar
