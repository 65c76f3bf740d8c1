#include "supervisor/feed/events.h"

#include "ipc/core/ids.h"

namespace nightjar {
namespace {

std::string IdText(const std::string& bytes) {
  auto id = RunId::FromBytes(bytes);
  return id ? id->ToString() : "";
}

}  // namespace

proto::FeedEvent StoredEvent(const proto::RunBegan& began, const proto::RunEnded& ended) {
  proto::FeedEvent event;
  event.set_kind(proto::FEED_KIND_TRACE);
  event.set_canvas(began.canvas());
  event.set_run_id(IdText(began.run_id()));
  event.set_handler(began.handler());
  event.set_verdict(ended.verdict());
  event.set_detail(ended.detail());
  event.set_http_status(ended.http_status());
  event.set_wall_us(ended.usage().wall_us());
  event.set_request_line(began.request_line());
  event.set_revision(began.revision());
  return event;
}

proto::FeedEvent IncidentEvent(const proto::RunEnded& ended) {
  const proto::Incident& incident = ended.incident();
  proto::FeedEvent event;
  bool refused = ended.verdict() == proto::VERDICT_REFUSED;
  event.set_kind(refused ? proto::FEED_KIND_REFUSAL : proto::FEED_KIND_KILL);
  event.set_canvas(incident.canvas());
  event.set_run_id(incident.run_id());
  event.set_handler(incident.handler());
  event.set_verdict(incident.verdict());
  event.set_detail(incident.detail());
  event.set_http_status(ended.http_status());
  event.set_wall_us(incident.usage().wall_us());
  event.set_request_line(incident.request_line());
  event.set_revision(incident.revision());
  return event;
}

proto::FeedEvent NotFoundEvent(const std::string& canvas, const std::string& request_line) {
  proto::FeedEvent event;
  event.set_kind(proto::FEED_KIND_NOT_FOUND);
  event.set_canvas(canvas);
  event.set_http_status(404);
  event.set_request_line(request_line);
  return event;
}

proto::FeedEvent RuleEvent(const proto::RuleHit& hit) {
  proto::FeedEvent event;
  event.set_kind(proto::FEED_KIND_RULE);
  event.set_canvas(hit.canvas());
  event.set_detail(hit.over().empty() ? hit.explanation() : hit.over());
  event.set_by("rule " + hit.rule());
  return event;
}

proto::FeedEvent DeployEvent(const proto::DeployAnswer& deployed, const std::string& by) {
  proto::FeedEvent event;
  event.set_kind(proto::FEED_KIND_DEPLOY);
  event.set_canvas(deployed.canvas());
  event.set_revision(deployed.revision());
  event.set_by(by);
  return event;
}

}  // namespace nightjar
