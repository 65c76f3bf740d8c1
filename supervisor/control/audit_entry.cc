#include "supervisor/control/audit_entry.h"

#include <string>
#include <vector>

#include "supervisor/control/audit_trail.h"

namespace nightjar {
namespace {

// What of a query an entry of the audit log may show: nothing that is a client's own.
constexpr const char* kShownParameters[] = {"file",   "upload",    "revision", "live",
                                            "method", "route",     "canvas",   "handler",
                                            "caller", "code_hash", "dry_run",  "verdict"};

std::string ActionOf(const std::string& method, const std::vector<std::string>& path) {
  const size_t size = path.size();
  const std::string room = size > 0 ? path[0] : "", part = size > 2 ? path[2] : "";
  if (room == "runs") return size == 1 ? "kill_all" : "kill";
  if (room == "controls") return method == "DELETE" ? "lift" : "control";
  if (room == "canvases" && size == 2 && method == "PUT") return "deploy";
  if (part == "run") return "run";
  if (part == "404s") return "handler-from-404";
  if (part == "holds") return method == "DELETE" ? "release" : "hold";
  if (part == "traces" && method == "DELETE") return "delete-trace";
  if (part == "traces" && size == 3) return "import-traces";
  if (part == "traces") return size == 6 ? "run-function" : "rerun";
  return method == "GET" ? "look" : "unknown";
}

// Whose body is the reason, and nothing else.
bool BodyIsReason(const std::string& action) {
  return action == "kill" || action == "kill_all" || action == "lift" || action == "hold" ||
         action == "release" || action == "delete-trace";
}

}  // namespace

proto::AuditEntry EntryOf(const http::Request& request, const ControlUrl& url) {
  proto::AuditEntry entry;
  entry.set_actor(request.peer);
  if (request.peer_uid == 0) entry.set_user(StarterName());
  entry.set_action(ActionOf(request.method, url.path));
  if (url.path.size() > 1 && url.path[0] == "canvases") entry.set_canvas(url.path[1]);
  if (url.path.size() == 2 && url.path[0] != "canvases") entry.set_object(url.path[1]);
  if (url.path.size() > 3) entry.set_object(url.path[3]);
  if (entry.action() == "unknown" || entry.action() == "look")
    entry.set_object(request.method + " " + request.target.substr(0, request.target.find('?')));
  if (BodyIsReason(entry.action())) entry.set_reason(request.body);
  for (const char* name : kShownParameters) {
    auto at = url.query.find(name);
    if (at != url.query.end()) AddParameter(name, at->second, &entry);
  }
  return entry;
}

proto::AuditEntry EntryOfHit(const proto::RuleHit& hit, const std::string& action,
                             const std::string& object) {
  proto::AuditEntry entry;
  entry.set_actor("rule " + hit.rule());
  entry.set_action(action);
  entry.set_canvas(hit.canvas());
  entry.set_object(object);
  entry.set_reason(hit.over().empty() ? hit.explanation() : hit.over());
  AddParameter("hit", hit.id(), &entry);
  AddParameter("rules", hit.rules_version(), &entry);
  if (action != "hold" && hit.over().empty())
    for (const std::string& done : hit.done()) AddParameter("done", done, &entry);
  entry.set_outcome(hit.held_back() ? "held back" : "done");
  return entry;
}

void AddParameter(const std::string& name, const std::string& value, proto::AuditEntry* entry) {
  proto::AuditParameter& parameter = *entry->add_parameters();
  parameter.set_name(name);
  parameter.set_value(value);
}

}  // namespace nightjar
