#include "supervisor/writer/rule_hit_store.h"

#include <utility>

#include "ipc/core/bounds.h"
#include "ipc/core/ids.h"

namespace nightjar {
namespace {

constexpr int kVersion = 1;
// Ids sort with the newest first.
constexpr const char* kSchema = R"(
  CREATE TABLE hits (id TEXT PRIMARY KEY, ended INTEGER NOT NULL, hit BLOB NOT NULL) WITHOUT ROWID;
  CREATE INDEX hits_ended ON hits (ended))";
constexpr const char* kSave =
    "INSERT INTO hits (id, ended, hit) VALUES (?, ?, ?) "
    "ON CONFLICT DO UPDATE SET ended = excluded.ended, hit = excluded.hit";
constexpr const char* kTrim =
    "DELETE FROM hits WHERE ended > 0 AND ended < "
    "(SELECT ended FROM hits WHERE ended > 0 ORDER BY ended DESC LIMIT 1 OFFSET ?)";
constexpr const char* kList = "SELECT hit FROM hits WHERE id > ? ORDER BY id";

}  // namespace

Result<std::unique_ptr<RuleHitStore>> RuleHitStore::Create(const std::string& path) {
  NJ_ASSIGN(auto db, Database::Open(path, Durability::kFull, kSchema, kVersion));
  std::unique_ptr<RuleHitStore> store(new RuleHitStore(std::move(db)));
  NJ_ASSIGN(store->save_, store->db_->Prepare(kSave));
  NJ_ASSIGN(store->trim_, store->db_->Prepare(kTrim));
  NJ_ASSIGN(store->list_, store->db_->Prepare(kList));
  return store;
}

Status RuleHitStore::Save(const proto::RuleHit& hit) {
  if (!RunId::Parse(hit.id()) || !IsCanvasName(hit.canvas()) || hit.rule().empty())
    return Fail(ErrorCode::kInvalid, "a hit without an id, a rule or a canvas");
  const std::string bytes = hit.SerializeAsString();
  save_.BindText(1, hit.id());
  save_.BindInt(2, hit.ended_unix_us());
  save_.BindBlob(3, bytes);
  NJ_TRY(save_.Run());
  if (hit.ended_unix_us() == 0) return {};
  trim_.BindInt(1, bounds::kRuleHitsEnded - 1);
  return trim_.Run();
}

Result<proto::RuleHitList> RuleHitStore::List(const proto::RuleHitsWanted& wanted) {
  ResetLater reset(list_);
  list_.BindText(1, wanted.after());
  proto::RuleHitList list;
  for (size_t bytes = 0;;) {
    NJ_ASSIGN(bool there, list_.Step());
    if (!there) return list;
    if (bytes >= bounds::kHistoryAnswerBytes) {
      list.set_more(true);
      return list;
    }
    std::string_view stored = list_.Bytes(0);
    if (!list.add_hits()->ParseFromArray(stored.data(), static_cast<int>(stored.size())))
      return Fail(ErrorCode::kProtocol, "a stored hit is damaged");
    bytes += stored.size();
  }
}

}  // namespace nightjar
