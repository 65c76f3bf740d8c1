// Where the supervisor tells what happens to runs and revisions, and asks for what lies in storage.
//
// The one implementation talks to nightjar-writer; nothing here waits for it. While the writer is
// away runs go on: what it must know is kept (bounded) and told to the next one; deploys and
// questions fail with kUnavailable. Loop thread only.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "ipc/core/fd.h"
#include "ipc/core/ids.h"
#include "ipc/core/result.h"
#include "ipc/proto/writer.pb.h"

namespace nightjar {

class Journal {
 public:
  virtual ~Journal() = default;

  // A worker's ring, from its start; and the end of that worker. The journal keeps its own
  // descriptor until the last run on the ring is stored.
  virtual void AttachRing(WorkerId worker, const std::string& canvas, const Fd& ring) = 0;
  virtual void DetachRing(WorkerId worker) = 0;

  virtual void RunBegan(proto::RunBegan began) = 0;
  // Also for runs that never began (refused, no worker): then worker_id is 0.
  virtual void RunEnded(proto::RunEnded ended) = 0;

  // `done` once the revision is durable.
  virtual void SaveRevision(proto::SaveRevision revision, const Fd& program, const Fd& source,
                            std::function<void(Status)> done) = 0;

  struct CatalogItem {
    proto::CatalogEntry entry;
    Fd program;
  };
  virtual void LoadCatalog(std::function<void(Result<std::vector<CatalogItem>>)> done) = 0;

  // A run that happened elsewhere. `answered` once it is stored and listed.
  virtual void ImportTrace(proto::ImportTrace import, const Fd& events,
                           std::function<void(Result<proto::FromWriter>)> answered) = 0;

  // Any message of ToWriter that has an answer and no descriptors.
  virtual void Ask(proto::ToWriter question,
                   std::function<void(Result<proto::FromWriter>)> answered) = 0;

  // Runs whose traces were given up because the writer was away for too long.
  virtual uint64_t traces_lost() const = 0;
};

}  // namespace nightjar
