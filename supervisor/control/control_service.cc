#include "supervisor/control/control_service.h"

#include "supervisor/control/audit_entry.h"

namespace nightjar {

ControlService::ControlService(Needs needs) : needs_(std::move(needs)) {}

void ControlService::Handle(http::Request request, http::Responder responder) {
  Call call{std::move(request),
            {},
            std::make_shared<http::Responder>(std::move(responder)),
            &needs_.audit};
  auto url = ParseControlUrl(call.request.target);
  if (url) call.url = std::move(*url);
  // What is turned away is told of too, whatever it wanted.
  if (call.request.method != "GET" || call.request.peer_uid != 0)
    call.audit = std::make_shared<proto::AuditEntry>(EntryOf(call.request, call.url));
  // The socket's mode says the same; this holds even when somebody changes the mode. 0 is whoever
  // started it: root, or the user of its user namespace.
  if (call.request.peer_uid != 0)
    return call.Fail(403, "only who started the supervisor may speak here");
  if (!url) return call.Fail(400, "this is not a path: " + call.request.target);
  Route(std::move(call));
}

void ControlService::Route(Call call) {
  const std::vector<std::string> path = call.url.path;
  const std::string method = call.request.method;
  auto is = [&](const char* wanted, size_t length, const char* first) {
    return method == wanted && path.size() == length && path[0] == first;
  };
  if (is("GET", 1, "canvases")) return Canvases(std::move(call));
  if (is("PUT", 2, "canvases")) return Deploy(std::move(call), path[1]);
  if (is("POST", 4, "canvases") && path[2] == "run")
    return RunOnce(std::move(call), path[1], path[3]);
  if (is("GET", 3, "canvases") && path[2] == "traces") return ListTraces(std::move(call), path[1]);
  if (is("GET", 3, "canvases") && path[2] == "404s") return ListMissed(std::move(call), path[1]);
  if (is("POST", 4, "canvases") && path[2] == "404s" && path[3] == "handler")
    return HandleMissed(std::move(call), path[1]);
  if (is("GET", 4, "canvases") && path[2] == "traces")
    return GetTrace(std::move(call), path[1], path[3]);
  if (is("DELETE", 4, "canvases") && path[2] == "traces")
    return DeleteTrace(std::move(call), path[1], path[3]);
  if (is("POST", 3, "canvases") && path[2] == "traces")
    return ImportTrace(std::move(call), path[1]);
  if (is("POST", 5, "canvases") && path[2] == "traces" && path[4] == "rerun")
    return Rerun(std::move(call), path[1], path[3]);
  if (is("POST", 6, "canvases") && path[2] == "traces" && path[4] == "functions")
    return RunFunction(std::move(call), path[1], path[3], path[5]);
  if (is("PUT", 4, "canvases") && path[2] == "holds")
    return HoldTrace(std::move(call), path[1], path[3]);
  if (is("DELETE", 4, "canvases") && path[2] == "holds")
    return ReleaseTrace(std::move(call), path[1], path[3]);
  if (is("GET", 1, "holds")) return ListHolds(std::move(call));
  if (is("GET", 3, "canvases") && path[2] == "limits") return Limits(std::move(call), path[1]);
  if (is("GET", 1, "runs")) return Runs(std::move(call));
  if (is("GET", 2, "runs")) return Why(std::move(call), path[1]);
  if (is("DELETE", 2, "runs")) return KillRun(std::move(call), path[1]);
  if (is("DELETE", 1, "runs")) return KillAll(std::move(call));
  if (is("POST", 1, "controls")) return MakeControl(std::move(call));
  if (is("GET", 1, "controls")) return ListControls(std::move(call));
  if (is("DELETE", 2, "controls")) return LiftControl(std::move(call), path[1]);
  if (is("GET", 1, "rules")) return ListRules(std::move(call));
  if (is("GET", 2, "rules") && path[1] == "hits") return ListRuleHits(std::move(call));
  if (is("GET", 2, "rules") && path[1] == "counters") return ListCounters(std::move(call));
  if (is("GET", 1, "audit")) return ListAudit(std::move(call));
  if (is("GET", 2, "audit") && path[1] == "verify") return VerifyAudit(std::move(call));
  if (is("GET", 1, "incidents")) return ListIncidents(std::move(call));
  if (is("GET", 2, "incidents") && path[1] == "verify") return VerifyIncidents(std::move(call));
  if (is("GET", 2, "incidents")) return GetIncident(std::move(call), path[1]);
  if (is("GET", 3, "incidents") && path[2] == "link")
    return GetIncidentLink(std::move(call), path[1]);
  if (is("GET", 3, "canvases") && path[2] == "timeline")
    return GetTimeline(std::move(call), path[1]);
  if (is("GET", 5, "canvases") && path[2] == "revisions" && path[4] == "source")
    return GetSource(std::move(call), path[1], path[3]);
  if (is("GET", 1, "events")) return Events(std::move(call));
  if (is("GET", 1, "usage")) return Usage(std::move(call));
  if (is("GET", 1, "metrics")) return GetMetrics(std::move(call));
  if (is("GET", 1, "doctor")) return call.Answer(needs_.doctor);
  call.Fail(404, "there is no " + method + " " + call.request.target + " on the control plane");
}

}  // namespace nightjar
