// Imports traces that classic Dark stored: each becomes a run of ours that ended now, with no end
// of its own, no verdict and no usage, which lists, reruns and holds know as any other
// (docs/adr/0029-import-of-darks-traces.md).
//
// Which handler it was is said by who asks, or by the route that takes the request; the route's
// variables, which Dark did not store, come out of the path. A sealed worker reads it (ImportRun),
// the writer stores it, all or nothing. Loop thread only.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "policies/policy.h"
#include "supervisor/canvas/canvas_book.h"
#include "supervisor/journal/journal.h"
#include "supervisor/run/import_run.h"

namespace nightjar {

struct ImportOrder {
  std::string canvas;
  std::string handler;     // its name; empty: the one whose route takes the request
  std::string dark_trace;  // the id that Dark gave it; empty: unknown
  std::string object;      // as Dark stored it, decompressed
  std::string by;          // who asks, as a run's caller
};

class Importer {
 public:
  struct Needs {
    Loop& loop;
    const Clock& clock;
    CanvasBook& book;
    WorkerFactory& factory;
    Journal& journal;
    DeadlineGuard* guard;  // null: none
    std::function<std::shared_ptr<const policy::Policy>()> policy;
    std::string redaction_key;
  };
  explicit Importer(Needs needs) : needs_(std::move(needs)) {}

  // `done` once; an Error says why nothing was imported.
  using Done = std::function<void(Result<proto::ImportAnswer>)>;
  void Import(ImportOrder order, Done done);

 private:
  struct Job;
  Result<proto::Import> Decide(Job& job, const proto::Imported& seen) const;
  void OnRead(const std::shared_ptr<Job>& job, Result<ImportRun::Read> read);

  Needs needs_;
  SoloWorkers runs_{needs_.loop};
};

// When Dark received what has this id; 0: the id does not say. Ids of its first years are random.
int64_t DarkReceivedUnixUs(const RunId& id, WallTime now);

}  // namespace nightjar
