#include "supervisor/writer/shared/shared_schema.h"

namespace nightjar::shared {
namespace {

// What comes from tenants is bytea: their texts may hold what PostgreSQL's cannot. Run ids begin
// with the inverted time, as everywhere. The index of verdicts leaves out 1, VERDICT_FINISHED.
constexpr const char* kMake[] = {
    "CREATE SCHEMA IF NOT EXISTS nightjar",
    "CREATE TABLE nightjar.about (one int PRIMARY KEY CHECK (one = 1), version int NOT NULL, "
    "identity uuid NOT NULL)",
    "CREATE TABLE nightjar.machines (machine text PRIMARY KEY, own_index text NOT NULL, "
    "told bigint NOT NULL DEFAULT 0, told_at timestamptz NOT NULL DEFAULT now())",
    // The days that a machine still has in its own index.
    "CREATE TABLE nightjar.machine_days (day date, machine text REFERENCES nightjar.machines "
    "ON DELETE CASCADE, PRIMARY KEY (day, machine))",
    "CREATE TABLE nightjar.traces (day date NOT NULL, machine text NOT NULL, canvas text COLLATE "
    "\"C\" NOT NULL, run_id bytea NOT NULL, tlid bigint NOT NULL, verdict int NOT NULL, caller "
    "bytea NOT NULL, object_key text NOT NULL, row bytea NOT NULL, touched bytea NOT NULL, "
    "PRIMARY KEY (canvas, run_id, day)) PARTITION BY LIST (day)",
    "CREATE INDEX traces_tlid ON nightjar.traces (canvas, tlid, run_id)",
    "CREATE INDEX traces_caller ON nightjar.traces (canvas, caller, run_id)",
    "CREATE INDEX traces_verdict ON nightjar.traces (canvas, verdict, run_id) WHERE verdict <> 1",
    "CREATE TABLE nightjar.trace_fn (day date NOT NULL, canvas text COLLATE \"C\" NOT NULL, "
    "fn bytea NOT NULL, run_id bytea NOT NULL, PRIMARY KEY (canvas, fn, run_id, day)) "
    "PARTITION BY LIST (day)",
    "CREATE TABLE nightjar.trace_field (day date NOT NULL, canvas text COLLATE \"C\" NOT NULL, "
    "field bytea NOT NULL, value bytea NOT NULL, run_id bytea NOT NULL, "
    "PRIMARY KEY (canvas, field, value, run_id, day)) PARTITION BY LIST (day)",
    "CREATE TABLE nightjar.kept (machine text REFERENCES nightjar.machines ON DELETE CASCADE, "
    "canvas text COLLATE \"C\", tlid bigint, slot int, run_id bytea NOT NULL, object_key text NOT "
    "NULL, row bytea NOT NULL, touched bytea NOT NULL, PRIMARY KEY (machine, canvas, tlid, slot))",
    "CREATE INDEX kept_run ON nightjar.kept (canvas, run_id)",
    "CREATE TABLE nightjar.holds (machine text REFERENCES nightjar.machines ON DELETE CASCADE, "
    "canvas text COLLATE \"C\", run_id bytea, object_key text NOT NULL, row bytea NOT NULL, "
    "touched bytea NOT NULL, PRIMARY KEY (canvas, run_id, machine))",
    "INSERT INTO nightjar.about VALUES (1, 1, gen_random_uuid())",
};

Result<bool> IsMade(PgConnection& db) {
  // Not to_regclass(): within a transaction it may remember that there was none.
  NJ_ASSIGN(Rows rows, db.Ask("SELECT 1 FROM pg_tables WHERE schemaname = 'nightjar' AND "
                              "tablename = 'about'"));
  return rows.size() == 1;
}

Status MakeAll(PgConnection& db) {
  NJ_TRY(db.Do(kSchemaLock));
  NJ_ASSIGN(bool made, IsMade(db));  // by another machine, meanwhile
  if (made) return {};
  for (const char* statement : kMake) NJ_TRY(db.Do(statement));
  return {};
}

}  // namespace

const char* const kSchemaLock = "SELECT pg_advisory_xact_lock(7957695010998478)";

Result<std::string> PrepareSchema(PgConnection& db, int version) {
  NJ_ASSIGN(bool made, IsMade(db));
  if (!made) {
    NJ_TRY(db.Do("BEGIN"));
    if (Status all = MakeAll(db); !all) {
      if (db.alive()) (void)db.Do("ROLLBACK");
      return Wrap(all.error(), "making the tables of the shared index");
    }
    NJ_TRY(db.Do("COMMIT"));
  }
  NJ_ASSIGN(Rows about, db.Ask("SELECT version, identity FROM nightjar.about"));
  if (about.size() != 1)
    return Fail(ErrorCode::kProtocol, "nightjar.about has no row: these are not our tables");
  if (about.Int(0, 0) != version)
    return Fail(ErrorCode::kUnsupported,
                "the shared index is of version " + std::to_string(about.Int(0, 0)) +
                    ", and this nightjar knows " + std::to_string(version));
  return std::string(about.Text(0, 1));
}

}  // namespace nightjar::shared
