// What is found without opening an object: one row a run, and the incidents whole.
//
// Rows are written in batches: the owner commits when Due() says so, or earlier. Queries see rows
// that are not committed yet. Run ids begin with the inverted time, so their order is newest first
// and every list is the beginning of a B-tree. A crash of the host may lose the newest rows. One
// thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ipc/core/clock.h"
#include "ipc/core/ids.h"
#include "ipc/core/result.h"
#include "ipc/proto/control.pb.h"
#include "ipc/proto/writer.pb.h"
#include "supervisor/writer/incident_chain.h"
#include "supervisor/writer/sqlite.h"

namespace nightjar {

class TraceIndex {
 public:
  // `clock` outlives the index.
  static Result<std::unique_ptr<TraceIndex>> Create(const std::string& path, const Clock& clock);

  // Commits what is open.
  ~TraceIndex();

  struct Found {
    proto::TraceRow row;
    std::string object_key;  // empty: the object could not be stored
  };

  // A run that is in there already is left alone. The object's key is empty when there is no
  // object.
  Status AddTrace(const proto::TraceRow& row, std::string_view object_key);
  Status AddIncident(const proto::Incident& incident);

  // Rows of these runs of `canvas` whose object is at the key beside them have it at `to` from now
  // on; those that have it elsewhere by now keep that.
  struct Moved {
    RunId run;
    std::string from;
  };
  Status MoveObjects(std::string_view canvas, const std::vector<Moved>& moved, std::string_view to);

  // When the open batch must be committed; nullopt: nothing is open. In the past when the batch is
  // full.
  std::optional<MonoTime> Due() const;
  // On failure all rows of the batch are lost; the index goes on.
  Status Commit();

  // Newest first, at most kListRows. An empty handler and VERDICT_UNSPECIFIED mean any.
  Result<proto::TraceList> List(const proto::ListTraces& question);
  // kNotFound.
  Result<Found> Get(std::string_view canvas, const RunId& run);
  Result<proto::IncidentList> ListIncidents(const proto::ListIncidents& question);
  Result<proto::Incident> GetIncident(const RunId& run);
  IncidentChain& chain() { return *chain_; }

 private:
  TraceIndex(std::unique_ptr<Database> db, const Clock& clock)
      : db_(std::move(db)), clock_(clock) {}
  Status PrepareAll();
  Status OpenBatch();
  Status CountRow(Status added);
  Status LinkIncident(const RunId& run, const proto::Incident& incident);
  Statement& ListStatement(const proto::ListTraces& question);

  std::unique_ptr<Database> db_;  // before the statements, which must be gone when it closes
  const Clock& clock_;
  std::unique_ptr<IncidentChain> chain_;  // has statements too
  Statement move_object_;
  Statement add_trace_, has_incident_, add_incident_;
  Statement list_, list_handler_, list_verdict_, get_;
  Statement list_incidents_, list_canvas_incidents_, get_incident_;
  size_t batch_rows_ = 0;
  MonoTime batch_began_{};
};

}  // namespace nightjar
