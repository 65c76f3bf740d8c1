#include "supervisor/cli/complete_id.h"

#include "ipc/core/bounds.h"
#include "supervisor/cli/short_id.h"

namespace nightjar::cli {
namespace {

std::string AllOf(const std::string& path) {
  return path + "?n=" + std::to_string(bounds::kListRows);
}

template <typename List, typename Rows>
ExitCode Complete(Session& session, const std::string& target, Rows rows, std::string* id) {
  *id = session.line().id;
  if (IsWholeId(*id)) return kOk;
  List list;
  if (ExitCode code = session.Ask({.target = target}, &list); code != kOk) return code;
  std::vector<std::string> ids;
  for (const auto& row : rows(list)) ids.push_back(row.run_id());
  auto found = FindId(*id, ids);
  if (!found) return session.Complain(kNo, found.error().ToString());
  *id = *found;
  return kOk;
}

}  // namespace

std::string TracesPath(const std::string& canvas) {
  return "/canvases/" + EncodePart(canvas) + "/traces";
}

std::string TracePath(const std::string& canvas, const std::string& id) {
  return TracesPath(canvas) + "/" + EncodePart(id);
}

ExitCode CompleteTrace(Session& session, std::string* id) {
  return Complete<proto::TraceList>(
      session, AllOf(TracesPath(session.line().canvas)),
      [](const proto::TraceList& list) { return list.traces(); }, id);
}

ExitCode CompleteIncident(Session& session, std::string* id) {
  return Complete<proto::IncidentList>(
      session, AllOf("/incidents"),
      [](const proto::IncidentList& list) { return list.incidents(); }, id);
}

ExitCode CompleteHold(Session& session, std::string* id) {
  return Complete<proto::HoldList>(
      session, "/holds?canvas=" + EncodePart(session.line().canvas),
      [](const proto::HoldList& list) { return list.holds(); }, id);
}

}  // namespace nightjar::cli
