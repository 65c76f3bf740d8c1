// Between the supervisor's messages and what the archive takes and gives.
//
// SaveRevision and AnswerFrom block and are the archive thread's; the rest is any thread's.
#pragma once

#include <vector>

#include "ipc/core/fd.h"
#include "ipc/proto/writer.pb.h"
#include "supervisor/writer/archive.h"
#include "supervisor/writer/keeper.h"

namespace nightjar {

proto::FromWriter ErrorAnswer(uint64_t ticket, const Error& error);
// An ended run's fate is known.
proto::FromWriter Acknowledge(const StoredRun& run);
// Copies what came in descriptors: the program, and the source when it is large.
Result<Catalog::Revision> TakeRevision(proto::SaveRevision save, const std::vector<Fd>& fds);

// The part of a stored object that was asked for, or where it may be had.
Result<proto::FromWriter> ObjectAnswer(uint64_t ticket, const proto::GetObject& question,
                                       std::string object);
proto::FromWriter ObjectElsewhere(uint64_t ticket, std::string url);

Result<proto::FromWriter> SaveRevision(Archive& archive, const Catalog::Revision& revision);
// `question` is a ListTraces, ListIncidents, GetIncident, VerifyIncidents, ListHolds, ListMissed,
// RoutesMissed, UsageTold, UsageWanted, GetMissed, LoadRevision, GetSource, GetIncidentLink,
// ExplainRun, TimelineWanted or GetRevisionSource.
Result<proto::FromWriter> AnswerFrom(Archive& archive, const proto::ToWriter& question);
// `order` is a HoldTrace, a ReleaseTrace or a DeleteTrace. The keeper's thread.
Result<proto::FromWriter> AnswerFrom(Keeper& keeper, const proto::ToWriter& order);

// To GetReplay: an encoded FromWriter.
Result<std::string> EncodeReplayAnswer(uint64_t ticket, const proto::TraceRow& row,
                                       const Result<std::string>& object,
                                       const proto::GetReplay& question);

}  // namespace nightjar
