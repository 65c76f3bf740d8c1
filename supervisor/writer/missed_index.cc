#include "supervisor/writer/missed_index.h"

#include <set>

#include "ipc/core/bounds.h"

namespace nightjar {
namespace {

constexpr const char* kSchema = R"(
  CREATE TABLE missed (
    canvas TEXT NOT NULL, method TEXT NOT NULL, path TEXT NOT NULL, count INTEGER NOT NULL,
    first_us INTEGER NOT NULL, last_us INTEGER NOT NULL, request_line TEXT NOT NULL,
    caller TEXT NOT NULL, request BLOB, PRIMARY KEY (canvas, method, path)) WITHOUT ROWID;
  CREATE INDEX missed_by_time ON missed (canvas, last_us))";

// Version 1 kept no requests.
constexpr const char* kUpgrade = "ALTER TABLE missed ADD COLUMN request BLOB";

constexpr const char* kAdd =
    "INSERT INTO missed (canvas, method, path, count, first_us, last_us, request_line, caller, "
    "request) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (canvas, method, path) DO UPDATE SET "
    "count = count + excluded.count, first_us = min(first_us, excluded.first_us), "
    "request_line = iif(excluded.last_us >= last_us, excluded.request_line, request_line), "
    "caller = iif(excluded.last_us >= last_us, excluded.caller, caller), "
    "request = coalesce(iif(excluded.last_us >= last_us, excluded.request, request), request, "
    "excluded.request), last_us = max(last_us, excluded.last_us)";
constexpr const char* kPrune =
    "DELETE FROM missed WHERE canvas = ?1 AND (method, path) IN (SELECT method, path FROM missed "
    "WHERE canvas = ?1 ORDER BY last_us DESC, method, path LIMIT -1 OFFSET ?2)";
constexpr const char* kGet =
    "SELECT method, path, count, first_us, last_us, request_line, caller, request FROM missed "
    "WHERE canvas = ? AND method = ? AND path = ?";
constexpr const char* kList =
    "SELECT method, path, count, first_us, last_us, request_line, caller FROM missed "
    "WHERE canvas = ? ORDER BY last_us DESC, method, path";

}  // namespace

Result<std::unique_ptr<MissedIndex>> MissedIndex::Create(const std::string& path) {
  NJ_ASSIGN(auto db, Database::Open(path, Durability::kLazy, kSchema, kVersion, {kUpgrade}));
  std::unique_ptr<MissedIndex> index(new MissedIndex(std::move(db)));
  NJ_TRY(index->PrepareAll());
  return index;
}

Status MissedIndex::PrepareAll() {
  NJ_ASSIGN(add_, db_->Prepare(kAdd));
  NJ_ASSIGN(prune_, db_->Prepare(kPrune));
  NJ_ASSIGN(get_, db_->Prepare(kGet));
  NJ_ASSIGN(list_, db_->Prepare(kList));
  return {};
}

Status MissedIndex::Add(const proto::RoutesMissed& missed) {
  NJ_TRY(db_->Execute("BEGIN IMMEDIATE"));
  Status added = AddAll(missed);
  if (added) added = db_->Execute("COMMIT");
  // An error may have rolled it back already.
  if (!added && db_->in_transaction()) (void)db_->Execute("ROLLBACK");
  return added;
}

Status MissedIndex::AddAll(const proto::RoutesMissed& missed) {
  std::set<std::string> canvases;
  for (const proto::MissedRoute& route : missed.routes()) {
    NJ_TRY(AddOne(route));
    canvases.insert(route.canvas());
  }
  for (const std::string& canvas : canvases) NJ_TRY(Prune(canvas));
  return {};
}

Status MissedIndex::AddOne(const proto::MissedRoute& route) {
  add_.BindText(1, route.canvas());
  add_.BindText(2, route.method());
  add_.BindText(3, route.path());
  add_.BindInt(4, static_cast<int64_t>(route.count()));
  add_.BindInt(5, route.first_unix_us());
  add_.BindInt(6, route.last_unix_us());
  add_.BindText(7, route.request_line());
  add_.BindText(8, route.caller());
  std::string request = route.request().SerializeAsString();
  if (route.has_request()) add_.BindBlob(9, request);
  return add_.Run();
}

Status MissedIndex::Prune(const std::string& canvas) {
  prune_.BindText(1, canvas);
  prune_.BindInt(2, static_cast<int64_t>(bounds::kMissedRoutesKept));
  return prune_.Run();
}

Result<proto::MissedList> MissedIndex::List(const proto::ListMissed& question) {
  ResetLater reset(list_);
  list_.BindText(1, question.canvas());
  proto::MissedList list;
  for (;;) {
    NJ_ASSIGN(bool more, list_.Step());
    if (!more) return list;
    *list.add_routes() = RouteIn(list_, question.canvas());
  }
}

proto::MissedRoute MissedIndex::RouteIn(const Statement& row, const std::string& canvas) {
  proto::MissedRoute route;
  route.set_canvas(canvas);
  route.set_method(std::string(row.Bytes(0)));
  route.set_path(std::string(row.Bytes(1)));
  route.set_count(static_cast<uint64_t>(row.Int(2)));
  route.set_first_unix_us(row.Int(3));
  route.set_last_unix_us(row.Int(4));
  route.set_request_line(std::string(row.Bytes(5)));
  route.set_caller(std::string(row.Bytes(6)));
  return route;
}

Result<proto::MissedRoute> MissedIndex::Get(const proto::GetMissed& question) {
  ResetLater reset(get_);
  get_.BindText(1, question.canvas());
  get_.BindText(2, question.method());
  get_.BindText(3, question.path());
  NJ_ASSIGN(bool there, get_.Step());
  if (!there)
    return Fail(ErrorCode::kNotFound, "no request for " + question.method() + " " +
                                          question.path() + " is among the canvas's 404s");
  proto::MissedRoute route = RouteIn(get_, question.canvas());
  std::string_view request = get_.Bytes(7);
  if (!request.empty() &&
      !route.mutable_request()->ParseFromArray(request.data(), static_cast<int>(request.size())))
    return Fail(ErrorCode::kProtocol, "the request is damaged");
  return route;
}

}  // namespace nightjar
