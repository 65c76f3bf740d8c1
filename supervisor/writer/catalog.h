// Every revision of every canvas that was ever deployed, and what is in force.
//
// A revision that Save() accepted is on the disk and never changes. All sources and manifests are
// kept; of compiled programs the newest kProgramsKept of each canvas. It parses no program. One
// thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ipc/core/clock.h"
#include "ipc/core/ids.h"
#include "ipc/core/result.h"
#include "ipc/proto/writer.pb.h"
#include "supervisor/writer/sqlite.h"

namespace nightjar {

class Catalog {
 public:
  // `clock` outlives the catalog.
  static Result<std::unique_ptr<Catalog>> Create(const std::string& path, const Clock& clock);

  struct Revision {
    std::string canvas;
    RevisionNumber number = 0;
    std::string source;
    std::string program;
    proto::Manifest manifest;
    std::string deployed_by;
  };
  // Saving the same revision again is fine; another one under a number that is not above the
  // canvas's newest is kInvalid.
  Status Save(const Revision& revision);

  // Of one revision; kNotFound. The source is what was deployed, byte for byte.
  Result<std::string> Source(std::string_view canvas, RevisionNumber revision);
  Result<std::string> Program(std::string_view canvas, RevisionNumber revision);

  // Of the revision in force; kNotFound.
  Result<proto::Manifest> NewestManifest(std::string_view canvas);

  // Of one revision; kNotFound.
  struct Deployed {
    RevisionNumber revision = 0;
    int64_t unix_ms = 0;
    std::string by;
  };
  Result<Deployed> WhenDeployed(std::string_view canvas, RevisionNumber revision);
  // Revisions of a canvas that were deployed then or later, newest first, at most `rows_max`.
  Result<std::vector<Deployed>> DeployedSince(std::string_view canvas, int64_t unix_ms,
                                              size_t rows_max);

  struct Entry {
    proto::CatalogEntry entry;
    std::string program;
  };
  // kNotFound also for one whose program is not kept any more.
  Result<Entry> Get(std::string_view canvas, RevisionNumber revision);
  // The newest revision of the first canvas after this name, in the order of names; "" starts.
  // nullopt: there is none.
  Result<std::optional<Entry>> NextAfter(std::string_view canvas);

 private:
  Catalog(std::unique_ptr<Database> db, const Clock& clock) : db_(std::move(db)), clock_(clock) {}
  Status PrepareAll();
  Status Insert(const Revision& revision);
  Result<bool> Saved(const Revision& revision);
  Result<std::string> GetBytes(Statement& ask, std::string_view canvas, RevisionNumber revision);

  std::unique_ptr<Database> db_;  // before the statements, which must be gone when it closes
  const Clock& clock_;
  static Result<Entry> EntryIn(const Statement& row);
  static Deployed DeployedIn(const Statement& row);
  Statement deployed_, deploys_, newest_, same_, add_revision_, add_program_, prune_, publish_,
      next_, one_, source_, program_, newest_manifest_;
};

}  // namespace nightjar
