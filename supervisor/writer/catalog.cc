#include "supervisor/writer/catalog.h"

#include "ipc/core/bounds.h"

namespace nightjar {
namespace {

constexpr int kVersion = 1;
constexpr const char* kSchema = R"(
  CREATE TABLE canvases (name TEXT PRIMARY KEY, newest INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE revisions (
    canvas TEXT NOT NULL, revision INTEGER NOT NULL, deployed_ms INTEGER NOT NULL,
    deployed_by TEXT NOT NULL, manifest BLOB NOT NULL, source BLOB NOT NULL,
    UNIQUE (canvas, revision));
  CREATE TABLE programs (
    canvas TEXT NOT NULL, revision INTEGER NOT NULL, program BLOB NOT NULL,
    UNIQUE (canvas, revision)))";

constexpr const char* kNewest = "SELECT newest FROM canvases WHERE name = ?";
constexpr const char* kSame =
    "SELECT 1 FROM revisions JOIN programs USING (canvas, revision) "
    "WHERE canvas = ? AND revision = ? AND source = ? AND program = ?";
constexpr const char* kAddRevision =
    "INSERT INTO revisions (canvas, revision, deployed_ms, deployed_by, manifest, source) "
    "VALUES (?, ?, ?, ?, ?, ?)";
constexpr const char* kAddProgram =
    "INSERT INTO programs (canvas, revision, program) VALUES (?, ?, ?)";
constexpr const char* kPrune =
    "DELETE FROM programs WHERE canvas = ?1 AND revision <= "
    "(SELECT revision FROM programs WHERE canvas = ?1 ORDER BY revision DESC LIMIT 1 OFFSET ?2)";
constexpr const char* kPublish =
    "INSERT INTO canvases (name, newest) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET newest = ?2";
constexpr const char* kSource = "SELECT source FROM revisions WHERE canvas = ? AND revision = ?";
constexpr const char* kProgram = "SELECT program FROM programs WHERE canvas = ? AND revision = ?";
constexpr const char* kOne =
    "SELECT canvas, revision, deployed_ms, manifest, program FROM revisions "
    "JOIN programs USING (canvas, revision) WHERE canvas = ? AND revision = ?";
constexpr const char* kNext =
    "SELECT name, newest, deployed_ms, manifest, program FROM canvases "
    "JOIN revisions ON revisions.canvas = name AND revisions.revision = newest "
    "JOIN programs ON programs.canvas = name AND programs.revision = newest "
    "WHERE name > ? ORDER BY name LIMIT 1";

constexpr const char* kDeployed =
    "SELECT revision, deployed_ms, deployed_by FROM revisions WHERE canvas = ? AND revision = ?";
// Revisions are numbered in the order in which they were deployed.
constexpr const char* kDeploys =
    "SELECT revision, deployed_ms, deployed_by FROM revisions WHERE canvas = ? "
    "ORDER BY revision DESC LIMIT ?";
constexpr const char* kNewestManifest =
    "SELECT manifest FROM canvases JOIN revisions ON revisions.canvas = name AND "
    "revisions.revision = newest WHERE name = ?";

}  // namespace

Result<std::unique_ptr<Catalog>> Catalog::Create(const std::string& path, const Clock& clock) {
  NJ_ASSIGN(auto db, Database::Open(path, Durability::kFull, kSchema, kVersion));
  std::unique_ptr<Catalog> catalog(new Catalog(std::move(db), clock));
  NJ_TRY(catalog->PrepareAll());
  return catalog;
}

Status Catalog::PrepareAll() {
  NJ_ASSIGN(deployed_, db_->Prepare(kDeployed));
  NJ_ASSIGN(deploys_, db_->Prepare(kDeploys));
  NJ_ASSIGN(newest_, db_->Prepare(kNewest));
  NJ_ASSIGN(same_, db_->Prepare(kSame));
  NJ_ASSIGN(add_revision_, db_->Prepare(kAddRevision));
  NJ_ASSIGN(add_program_, db_->Prepare(kAddProgram));
  NJ_ASSIGN(prune_, db_->Prepare(kPrune));
  NJ_ASSIGN(publish_, db_->Prepare(kPublish));
  NJ_ASSIGN(next_, db_->Prepare(kNext));
  NJ_ASSIGN(one_, db_->Prepare(kOne));
  NJ_ASSIGN(newest_manifest_, db_->Prepare(kNewestManifest));
  NJ_ASSIGN(source_, db_->Prepare(kSource));
  NJ_ASSIGN(program_, db_->Prepare(kProgram));
  return {};
}

// True: exactly this is saved already, as when the answer to an earlier Save() was lost.
Result<bool> Catalog::Saved(const Revision& revision) {
  ResetLater reset(same_);
  same_.BindText(1, revision.canvas);
  same_.BindInt(2, static_cast<int64_t>(revision.number));
  same_.BindBlob(3, revision.source);
  same_.BindBlob(4, revision.program);
  return same_.Step();
}

Status Catalog::Save(const Revision& revision) {
  if (!IsCanvasName(revision.canvas) || revision.number == 0 || revision.number > INT64_MAX)
    return Fail(ErrorCode::kInvalid, "a revision without a canvas or a number");
  uint64_t newest = 0;
  {
    ResetLater reset(newest_);
    newest_.BindText(1, revision.canvas);
    NJ_ASSIGN(bool known, newest_.Step());
    if (known) newest = static_cast<uint64_t>(newest_.Int(0));
  }
  if (revision.number <= newest) {
    NJ_ASSIGN(bool saved, Saved(revision));
    if (saved) return {};
    return Fail(ErrorCode::kInvalid, "revision " + std::to_string(revision.number) + " of " +
                                         revision.canvas + " is not above its newest, " +
                                         std::to_string(newest));
  }
  NJ_TRY(db_->Execute("BEGIN IMMEDIATE"));
  Status saved = Insert(revision);
  if (saved) saved = db_->Execute("COMMIT");
  if (!saved && db_->in_transaction()) (void)db_->Execute("ROLLBACK");
  if (!saved) return Wrap(saved.error(), "saving the revision");
  return {};
}

Status Catalog::Insert(const Revision& revision) {
  auto number = static_cast<int64_t>(revision.number);
  std::string manifest = revision.manifest.SerializeAsString();
  add_revision_.BindText(1, revision.canvas);
  add_revision_.BindInt(2, number);
  add_revision_.BindInt(3, UnixMillis(clock_.Wall()));
  add_revision_.BindText(4, revision.deployed_by);
  add_revision_.BindBlob(5, manifest);
  add_revision_.BindBlob(6, revision.source);
  NJ_TRY(add_revision_.Run());
  add_program_.BindText(1, revision.canvas);
  add_program_.BindInt(2, number);
  add_program_.BindBlob(3, revision.program);
  NJ_TRY(add_program_.Run());
  prune_.BindText(1, revision.canvas);
  prune_.BindInt(2, static_cast<int64_t>(bounds::kProgramsKept));
  NJ_TRY(prune_.Run());
  publish_.BindText(1, revision.canvas);
  publish_.BindInt(2, number);
  return publish_.Run();
}

Result<std::string> Catalog::GetBytes(Statement& ask, std::string_view canvas,
                                      RevisionNumber revision) {
  ResetLater reset(ask);
  ask.BindText(1, canvas);
  ask.BindInt(2, static_cast<int64_t>(revision));
  NJ_ASSIGN(bool there, ask.Step());
  if (!there)
    return Fail(ErrorCode::kNotFound,
                "no revision " + std::to_string(revision) + " of " + std::string(canvas));
  return std::string(ask.Bytes(0));
}

Result<std::string> Catalog::Source(std::string_view canvas, RevisionNumber revision) {
  return GetBytes(source_, canvas, revision);
}

Result<std::string> Catalog::Program(std::string_view canvas, RevisionNumber revision) {
  return GetBytes(program_, canvas, revision);
}

Catalog::Deployed Catalog::DeployedIn(const Statement& row) {
  return {static_cast<RevisionNumber>(row.Int(0)), row.Int(1), std::string(row.Bytes(2))};
}

Result<Catalog::Deployed> Catalog::WhenDeployed(std::string_view canvas, RevisionNumber revision) {
  ResetLater reset(deployed_);
  deployed_.BindText(1, canvas);
  deployed_.BindInt(2, static_cast<int64_t>(revision));
  NJ_ASSIGN(bool there, deployed_.Step());
  if (there) return DeployedIn(deployed_);
  return Fail(ErrorCode::kNotFound,
              "no revision " + std::to_string(revision) + " of " + std::string(canvas));
}

Result<std::vector<Catalog::Deployed>> Catalog::DeployedSince(std::string_view canvas,
                                                              int64_t unix_ms, size_t rows_max) {
  ResetLater reset(deploys_);
  deploys_.BindText(1, canvas);
  deploys_.BindInt(2, static_cast<int64_t>(rows_max));
  std::vector<Deployed> deploys;
  for (;;) {
    NJ_ASSIGN(bool more, deploys_.Step());
    if (!more) return deploys;
    Deployed deployed = DeployedIn(deploys_);
    if (deployed.unix_ms < unix_ms) return deploys;
    deploys.push_back(std::move(deployed));
  }
}

Result<Catalog::Entry> Catalog::EntryIn(const Statement& row) {
  Entry found;
  found.entry.set_canvas(std::string(row.Bytes(0)));
  found.entry.set_revision(static_cast<uint64_t>(row.Int(1)));
  found.entry.set_deployed_unix_ms(row.Int(2));
  std::string_view manifest = row.Bytes(3);
  if (!found.entry.mutable_manifest()->ParseFromArray(manifest.data(),
                                                      static_cast<int>(manifest.size())))
    return Fail(ErrorCode::kProtocol,
                "the catalog's manifest of " + found.entry.canvas() + " is damaged");
  found.program = row.Bytes(4);
  found.entry.set_program_bytes(found.program.size());
  return found;
}

Result<Catalog::Entry> Catalog::Get(std::string_view canvas, RevisionNumber revision) {
  ResetLater reset(one_);
  one_.BindText(1, canvas);
  one_.BindInt(2, static_cast<int64_t>(revision));
  NJ_ASSIGN(bool there, one_.Step());
  if (there) return EntryIn(one_);
  return Fail(ErrorCode::kNotFound, "no program of revision " + std::to_string(revision) + " of " +
                                        std::string(canvas) + "; the newest " +
                                        std::to_string(bounds::kProgramsKept) + " are kept");
}

Result<proto::Manifest> Catalog::NewestManifest(std::string_view canvas) {
  ResetLater reset(newest_manifest_);
  newest_manifest_.BindText(1, canvas);
  NJ_ASSIGN(bool there, newest_manifest_.Step());
  if (!there) return Fail(ErrorCode::kNotFound, "no canvas " + std::string(canvas));
  proto::Manifest manifest;
  std::string_view bytes = newest_manifest_.Bytes(0);
  if (!manifest.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    return Fail(ErrorCode::kProtocol,
                "the catalog's manifest of " + std::string(canvas) + " is damaged");
  return manifest;
}

Result<std::optional<Catalog::Entry>> Catalog::NextAfter(std::string_view canvas) {
  ResetLater reset(next_);
  next_.BindText(1, canvas);
  NJ_ASSIGN(bool there, next_.Step());
  if (!there) return std::optional<Entry>();
  NJ_ASSIGN(Entry next, EntryIn(next_));
  return std::optional<Entry>(std::move(next));
}

}  // namespace nightjar
