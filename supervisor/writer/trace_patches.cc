#include "supervisor/writer/trace_patches.h"

#include <algorithm>
#include <utility>

#include "ipc/core/bounds.h"

namespace nightjar {
namespace {

// place: 0 the week, 1 kept, 2 evidence. day: the base's, as digits.
constexpr const char* kSchema = R"(
  CREATE TABLE IF NOT EXISTS patches (
    canvas TEXT NOT NULL, base BLOB NOT NULL, place INTEGER NOT NULL, patch BLOB NOT NULL,
    day TEXT NOT NULL, object_key TEXT NOT NULL, row BLOB NOT NULL,
    PRIMARY KEY (canvas, base, place, patch)) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS patches_by_patch ON patches (canvas, patch);
  CREATE INDEX IF NOT EXISTS patches_by_day ON patches (day) WHERE place = 0;
  CREATE UNIQUE INDEX IF NOT EXISTS patches_by_key ON patches (object_key))";

constexpr const char* kAdd =
    "INSERT INTO patches (canvas, base, place, patch, day, object_key, row) "
    "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING";
// Ids begin with the inverted time.
constexpr const char* kOf =
    "SELECT row, object_key FROM patches WHERE canvas = ? AND base = ? AND place = ? "
    "ORDER BY patch DESC";
constexpr const char* kEverywhere =
    "SELECT row, object_key FROM patches WHERE canvas = ? AND base = ?";
constexpr const char* kInSlot =
    "SELECT row, object_key FROM patches WHERE object_key > ?1 AND object_key < ?2";
constexpr const char* kBaseOf = "SELECT base FROM patches WHERE canvas = ? AND patch = ? LIMIT 1";
constexpr const char* kRemove = "DELETE FROM patches WHERE canvas = ? AND base = ? AND place = ?";
constexpr const char* kRemoveAll = "DELETE FROM patches WHERE canvas = ? AND base = ?";
constexpr const char* kRemoveObject = "DELETE FROM patches WHERE object_key = ?";
constexpr const char* kRemoveBefore = "DELETE FROM patches WHERE place = 0 AND day < ?";

void BindBase(Statement& statement, std::string_view canvas, const RunId& base) {
  statement.BindText(1, canvas);
  statement.BindBlob(2, base.bytes());
}

Result<std::vector<IndexedTrace>> ReadAll(Statement& found) {
  std::vector<IndexedTrace> patches;
  for (;;) {
    NJ_ASSIGN(bool more, found.Step());
    if (!more) return patches;
    std::string_view row = found.Bytes(0);
    IndexedTrace& patch = patches.emplace_back();
    if (!patch.row.ParseFromArray(row.data(), static_cast<int>(row.size())))
      return Fail(ErrorCode::kProtocol, "a row of the patches is damaged");
    patch.object_key = found.Bytes(1);
  }
}

}  // namespace

std::optional<TracePatches::Place> TracePatches::PlaceOf(std::string_view base_key) {
  if (base_key.starts_with("week/")) return Place::kWeek;
  if (base_key.starts_with("kept/")) return Place::kKept;
  if (base_key.starts_with("evidence/")) return Place::kEvidence;
  return std::nullopt;
}

const char* TracePatches::Schema() {
  return kSchema;
}

Result<std::unique_ptr<TracePatches>> TracePatches::Create(Database& db) {
  std::unique_ptr<TracePatches> patches(new TracePatches(db));
  NJ_TRY(patches->PrepareAll());
  return patches;
}

Status TracePatches::PrepareAll() {
  NJ_ASSIGN(add_, db_.Prepare(kAdd));
  NJ_ASSIGN(of_, db_.Prepare(kOf));
  NJ_ASSIGN(everywhere_, db_.Prepare(kEverywhere));
  NJ_ASSIGN(in_slot_, db_.Prepare(kInSlot));
  NJ_ASSIGN(base_of_, db_.Prepare(kBaseOf));
  NJ_ASSIGN(remove_, db_.Prepare(kRemove));
  NJ_ASSIGN(remove_all_, db_.Prepare(kRemoveAll));
  NJ_ASSIGN(remove_object_, db_.Prepare(kRemoveObject));
  NJ_ASSIGN(remove_before_, db_.Prepare(kRemoveBefore));
  return {};
}

Status TracePatches::Add(const RunId& base, Place place, const IndexedTrace& patch) {
  auto run = RunId::Parse(patch.row.run_id());
  if (!run) return Fail(ErrorCode::kInvalid, "a row without a run's id");
  NJ_ASSIGN(TraceDay day, TraceDay::Of(base));
  const std::string digits = day.Text(TraceDay::Form::kDigits);
  const std::string row = patch.row.SerializeAsString();
  BindBase(add_, patch.row.canvas(), base);
  add_.BindInt(3, static_cast<int>(place));
  add_.BindBlob(4, run->bytes());
  add_.BindText(5, digits);
  add_.BindText(6, patch.object_key);
  add_.BindBlob(7, row);
  return add_.Run();
}

Result<std::vector<IndexedTrace>> TracePatches::Of(std::string_view canvas, const RunId& base,
                                                   Place place) {
  ResetLater reset(of_);
  BindBase(of_, canvas, base);
  of_.BindInt(3, static_cast<int>(place));
  return ReadAll(of_);
}

Result<std::vector<IndexedTrace>> TracePatches::Everywhere(std::string_view canvas,
                                                           const RunId& base) {
  ResetLater reset(everywhere_);
  BindBase(everywhere_, canvas, base);
  return ReadAll(everywhere_);
}

// Of "kept/demo/1/3.njt" those from "kept/demo/1/3+" on, in the order of bytes.
Result<std::vector<IndexedTrace>> TracePatches::InSlot(const std::string& kept_key) {
  const std::string slot = kept_key.substr(0, kept_key.rfind('.'));
  const std::string first = slot + '+', end = slot + static_cast<char>('+' + 1);
  ResetLater reset(in_slot_);
  in_slot_.BindText(1, first);
  in_slot_.BindText(2, end);
  return ReadAll(in_slot_);
}

Result<std::optional<RunId>> TracePatches::BaseOf(std::string_view canvas, const RunId& patch) {
  ResetLater reset(base_of_);
  BindBase(base_of_, canvas, patch);
  NJ_ASSIGN(bool there, base_of_.Step());
  if (!there) return std::optional<RunId>();
  return RunId::FromBytes(base_of_.Bytes(0));
}

Status TracePatches::Remove(std::string_view canvas, const RunId& base, Place place) {
  BindBase(remove_, canvas, base);
  remove_.BindInt(3, static_cast<int>(place));
  return remove_.Run();
}

Status TracePatches::RemoveAll(std::string_view canvas, const RunId& base) {
  BindBase(remove_all_, canvas, base);
  return remove_all_.Run();
}

Status TracePatches::RemoveObject(const IndexedTrace& patch) {
  remove_object_.BindText(1, patch.object_key);
  return remove_object_.Run();
}

Status TracePatches::RemoveBefore(TraceDay day) {
  const std::string digits = day.Text(TraceDay::Form::kDigits);
  remove_before_.BindText(1, digits);
  return remove_before_.Run();
}

std::string TooManyPatches() {
  return "this trace has " + std::to_string(bounds::kPatchesPerTrace) +
         " patches, which is the most: run the whole of it again, and patch that trace";
}

bool SamePatches(const std::vector<IndexedTrace>& a, const std::vector<IndexedTrace>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& one, const auto& other) {
    return one.row.run_id() == other.row.run_id();
  });
}

}  // namespace nightjar
