// Events of the feed, made of what others say. Pure.
#pragma once

#include <string>

#include "ipc/proto/control.pb.h"
#include "ipc/proto/writer.pb.h"

namespace nightjar {

proto::FeedEvent StoredEvent(const proto::RunBegan& began, const proto::RunEnded& ended);
// Of an end that has an incident: a kill, or a refusal.
proto::FeedEvent IncidentEvent(const proto::RunEnded& ended);
proto::FeedEvent NotFoundEvent(const std::string& canvas, const std::string& request_line);
// It hits, hits again or is over.
proto::FeedEvent RuleEvent(const proto::RuleHit& hit);
proto::FeedEvent DeployEvent(const proto::DeployAnswer& deployed, const std::string& by);

}  // namespace nightjar
