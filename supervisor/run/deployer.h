// Deploys: compile in a sealed run, save with the writer, and only once that is durable put the new
// revision in force.
//
// One deploy of a canvas at a time; a second one meanwhile waits its turn, so that revision numbers
// and order agree. A broken file changes nothing: the old revision keeps serving. Loop thread only.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "ipc/proto/control.pb.h"
#include "policies/policy.h"
#include "supervisor/canvas/canvas_book.h"
#include "supervisor/journal/journal.h"
#include "supervisor/pool/worker_pool.h"
#include "supervisor/run/compile_run.h"

namespace nightjar {

// Why a deploy did not happen: plumbing, or the program's own faults.
struct DeployFailure {
  Error error;
  std::vector<proto::Diagnostic> diagnostics;
};

class Deployer {
 public:
  struct Needs {
    Loop& loop;
    const Clock& clock;
    WorkerFactory& factory;
    WorkerPool& pool;
    Journal& journal;
    CanvasBook& book;
    DeadlineGuard* guard;  // null: none
    std::function<std::shared_ptr<const policy::Policy>()> policy;
  };
  using Done = std::function<void(tl::expected<proto::DeployAnswer, DeployFailure>)>;

  explicit Deployer(Needs needs);
  ~Deployer();

  void Deploy(const std::string& canvas, DeployText text, const std::string& by, Done done);

  // A revision as the catalog had it, or as it was just compiled: routes are built here.
  static Result<RevisionPtr> MakeRevision(const std::string& canvas, RevisionNumber number,
                                          proto::Manifest manifest, Fd program,
                                          uint64_t program_bytes, int64_t deployed_unix_ms);

 private:
  struct Job;
  void Next(const std::string& canvas);
  void OnCompiled(const std::shared_ptr<Job>& job, CompileResult result);
  std::optional<Error> ProgramsRefused(const Job& job, const proto::Manifest& manifest) const;
  void OnSaved(const std::shared_ptr<Job>& job, Status saved);
  void Finish(const std::shared_ptr<Job>& job,
              tl::expected<proto::DeployAnswer, DeployFailure> result);

  Needs needs_;
  std::map<std::string, std::deque<std::shared_ptr<Job>>> jobs_;  // front: under way
  SoloWorkers compiles_{needs_.loop};
};

}  // namespace nightjar
