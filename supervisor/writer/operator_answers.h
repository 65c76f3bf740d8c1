// What an operator who investigates asks of the store as a whole: what became of one run, what
// happened to a canvas, what was deployed.
//
// Each puts together what the index, the catalog and the rest have; they change nothing. They block
// and are the archive's thread's.
#pragma once

#include "ipc/core/result.h"
#include "ipc/proto/writer.pb.h"
#include "supervisor/writer/archive.h"

namespace nightjar {

// kInvalid: no beginning of an id. kExists: of several. kNotFound, kExpired: of none.
Result<proto::WhyAnswer> ExplainRun(TraceIndex& index, const proto::ExplainRun& question);

// The newest `rows_max` events of the time, oldest first. Of usage each hour that it touches.
Result<proto::Timeline> TimelineOf(Archive& archive, const proto::TimelineWanted& wanted);

// As it was deployed, but for its secrets. kNotKept: it has secrets, perhaps, and what they are is
// not known any more.
Result<proto::RevisionSource> SourceWithoutSecrets(Catalog& catalog,
                                                   const proto::GetRevisionSource& question);

}  // namespace nightjar
