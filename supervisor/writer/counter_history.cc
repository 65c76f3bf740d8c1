#include "supervisor/writer/counter_history.h"

#include <zstd.h>

#include <utility>

#include "ipc/core/bounds.h"
#include "ipc/core/ids.h"
#include "ipc/core/log.h"

namespace nightjar {
namespace {

constexpr const char* kSchema = R"(
  CREATE TABLE slots (
    begins INTEGER NOT NULL, life BLOB NOT NULL, part INTEGER NOT NULL, slot BLOB NOT NULL,
    PRIMARY KEY (begins, life, part)) WITHOUT ROWID)";
constexpr const char* kPut =
    "INSERT INTO slots (begins, life, part, slot) VALUES (?, ?, ?, ?) "
    "ON CONFLICT DO UPDATE SET slot = excluded.slot";
constexpr const char* kWalk =
    "SELECT begins, slot FROM slots WHERE begins >= ? AND begins > ? AND begins < ? "
    "ORDER BY begins, life, part";
constexpr const char* kForget = "DELETE FROM slots WHERE begins < ?";
// Of the time that there are slots of.
constexpr const char* kForgetEighth =
    "DELETE FROM slots WHERE begins <= "
    "(SELECT min(begins) + (max(begins) - min(begins)) / 8 FROM slots)";
constexpr const char* kBytes =
    "SELECT (page_count - freelist_count) * page_size "
    "FROM pragma_page_count, pragma_freelist_count, pragma_page_size";

constexpr int64_t kHour = 3600;

Result<proto::CounterSlot> Unpack(std::string_view stored) {
  proto::CounterSlot slot;
  const unsigned long long bytes = ZSTD_getFrameContentSize(stored.data(), stored.size());
  if (bytes <= bounds::kFrameBytes) {  // an error is a larger number
    std::string raw(bytes, '\0');
    const size_t read = ZSTD_decompress(raw.data(), raw.size(), stored.data(), stored.size());
    if (!ZSTD_isError(read) && read == raw.size() && slot.ParseFromString(raw)) return slot;
  }
  return Fail(ErrorCode::kProtocol, "a slot of counters is damaged");
}

Status Check(const proto::CountersTold& told) {
  const proto::CounterSlot& slot = told.slot();
  bool good = RunId::FromBytes(told.life()).has_value() && slot.begins_unix_s() > 0 &&
              slot.seconds() > 0 && slot.seconds() <= kHour;
  for (const proto::CounterRow& row : slot.rows()) good = good && IsCanvasName(row.canvas());
  if (good) return {};
  return Fail(ErrorCode::kInvalid, "counters of no time, or of no canvas");
}

}  // namespace

Result<std::unique_ptr<CounterHistory>> CounterHistory::Create(const std::string& path,
                                                               const Clock& clock,
                                                               size_t bytes_max) {
  NJ_ASSIGN(auto db, Database::Open(path, Durability::kLazy, kSchema, kVersion));
  std::unique_ptr<CounterHistory> history(new CounterHistory(std::move(db), clock, bytes_max));
  NJ_ASSIGN(history->put_, history->db_->Prepare(kPut));
  NJ_ASSIGN(history->walk_, history->db_->Prepare(kWalk));
  NJ_ASSIGN(history->forget_, history->db_->Prepare(kForget));
  NJ_ASSIGN(history->forget_eighth_, history->db_->Prepare(kForgetEighth));
  NJ_ASSIGN(history->bytes_, history->db_->Prepare(kBytes));
  return history;
}

Status CounterHistory::Take(const proto::CountersTold& told) {
  NJ_TRY(Check(told));
  NJ_TRY(Trim());
  std::string stored;
  compressor_.Append(told.slot().SerializeAsString(), stored);
  put_.BindInt(1, told.slot().begins_unix_s());
  put_.BindBlob(2, told.life());
  put_.BindInt(3, told.part());
  put_.BindBlob(4, stored);
  return put_.Run();
}

// Once an hour.
Status CounterHistory::Trim() {
  const int64_t now = UnixMillis(clock_.Wall()) / 1000;
  if (now / kHour == trimmed_) return {};
  trimmed_ = now / kHour;
  forget_.BindInt(1, now - std::chrono::seconds(bounds::kCounterDays).count());
  NJ_TRY(forget_.Run());
  for (;;) {
    NJ_ASSIGN(size_t bytes, Bytes());
    if (bytes <= bytes_max_) return {};
    LogWarning("counters_let_go", {{"bytes", bytes}, {"bytes_max", bytes_max_}});
    NJ_TRY(forget_eighth_.Run());
    NJ_ASSIGN(size_t left, Bytes());
    if (left >= bytes) return {};  // there is no slot any more
  }
}

Result<size_t> CounterHistory::Bytes() {
  ResetLater reset(bytes_);
  NJ_TRY(bytes_.Step());
  return static_cast<size_t>(bytes_.Int(0));
}

Result<proto::CounterHistory> CounterHistory::List(const proto::CountersWanted& wanted) {
  ResetLater reset(walk_);
  walk_.BindInt(1, wanted.since_unix_s());
  walk_.BindInt(2, wanted.after_unix_s());
  walk_.BindInt(3, wanted.until_unix_s());
  proto::CounterHistory history;
  history.set_since_unix_s(wanted.since_unix_s());
  history.set_until_unix_s(wanted.until_unix_s());
  int64_t begins = 0;
  for (size_t bytes = 0;;) {
    NJ_ASSIGN(bool there, walk_.Step());
    if (!there) return history;
    if (bytes >= bounds::kHistoryAnswerBytes && walk_.Int(0) != begins) {
      history.set_more(true);
      return history;
    }
    begins = walk_.Int(0);
    NJ_ASSIGN(*history.add_slots(), Unpack(walk_.Bytes(1)));
    bytes += history.slots().rbegin()->ByteSizeLong();
  }
}

}  // namespace nightjar
