#include "supervisor/writer/control_store.h"

namespace nightjar {
namespace {

constexpr int kVersion = 1;
// AUTOINCREMENT: the largest id outlives its row.
constexpr const char* kSchema =
    "CREATE TABLE controls (id INTEGER PRIMARY KEY AUTOINCREMENT, control BLOB NOT NULL)";
constexpr const char* kSave =
    "INSERT INTO controls (id, control) VALUES (?, ?) ON CONFLICT DO NOTHING";
constexpr const char* kRemove = "DELETE FROM controls WHERE id = ?";
constexpr const char* kLoad = "SELECT control FROM controls ORDER BY id";
constexpr const char* kLast = "SELECT seq FROM sqlite_sequence WHERE name = 'controls'";

}  // namespace

Result<std::unique_ptr<ControlStore>> ControlStore::Create(const std::string& path) {
  NJ_ASSIGN(auto db, Database::Open(path, Durability::kFull, kSchema, kVersion));
  std::unique_ptr<ControlStore> store(new ControlStore(std::move(db)));
  NJ_TRY(store->PrepareAll());
  return store;
}

Status ControlStore::PrepareAll() {
  NJ_ASSIGN(save_, db_->Prepare(kSave));
  NJ_ASSIGN(remove_, db_->Prepare(kRemove));
  NJ_ASSIGN(load_, db_->Prepare(kLoad));
  NJ_ASSIGN(last_, db_->Prepare(kLast));
  return {};
}

Status ControlStore::Save(const proto::Control& control) {
  if (control.id() == 0 || control.id() > INT64_MAX)
    return Fail(ErrorCode::kInvalid, "a control without an id");
  const std::string bytes = control.SerializeAsString();
  save_.BindInt(1, static_cast<int64_t>(control.id()));
  save_.BindBlob(2, bytes);
  return save_.Run();
}

Status ControlStore::Remove(uint64_t id) {
  remove_.BindInt(1, static_cast<int64_t>(id));
  return remove_.Run();
}

Result<proto::ControlsStored> ControlStore::Load() {
  proto::ControlsStored stored;
  {
    ResetLater reset(last_);
    NJ_ASSIGN(bool any, last_.Step());
    if (any) stored.set_last_id(static_cast<uint64_t>(last_.Int(0)));
  }
  ResetLater reset(load_);
  for (;;) {
    NJ_ASSIGN(bool there, load_.Step());
    if (!there) return stored;
    std::string_view bytes = load_.Bytes(0);
    if (!stored.add_controls()->ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
      return Fail(ErrorCode::kProtocol, "a stored control is damaged");
  }
}

}  // namespace nightjar
