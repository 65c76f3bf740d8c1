#include "supervisor/writer/sqlite.h"

#include <sqlite3.h>

#include <utility>

#include "ipc/core/check.h"

namespace nightjar {
namespace {

tl::unexpected<Error> FailSqlite(sqlite3* db, std::string_view context) {
  int code = sqlite3_extended_errcode(db);
  Error error;
  switch (code & 0xff) {
    case SQLITE_FULL:
      error.code = ErrorCode::kExhausted;
      break;
    case SQLITE_BUSY:
      error.code = ErrorCode::kUnavailable;
      break;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      error.code = ErrorCode::kProtocol;
      break;
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
      error.code = ErrorCode::kPermission;
      break;
    default:
      error.code = ErrorCode::kInternal;
  }
  error.context = std::string(context) + ": " + sqlite3_errmsg(db);
  return tl::unexpected<Error>(std::move(error));
}

}  // namespace

Statement::Statement(Statement&& other) noexcept
    : db_(other.db_), statement_(std::exchange(other.statement_, nullptr)) {}

Statement& Statement::operator=(Statement&& other) noexcept {
  std::swap(db_, other.db_);
  std::swap(statement_, other.statement_);
  return *this;
}

Statement::~Statement() {
  sqlite3_finalize(statement_);
}

void Statement::BindInt(int parameter, int64_t value) {
  CHECK(sqlite3_bind_int64(statement_, parameter, value) == SQLITE_OK);
}

void Statement::BindText(int parameter, std::string_view text) {
  const char* data = text.data() == nullptr ? "" : text.data();
  CHECK(sqlite3_bind_text64(statement_, parameter, data, text.size(), SQLITE_STATIC, SQLITE_UTF8) ==
        SQLITE_OK);
}

void Statement::BindBlob(int parameter, std::string_view bytes) {
  const char* data = bytes.data() == nullptr ? "" : bytes.data();
  CHECK(sqlite3_bind_blob64(statement_, parameter, data, bytes.size(), SQLITE_STATIC) == SQLITE_OK);
}

Result<bool> Statement::Step() {
  int stepped = sqlite3_step(statement_);
  if (stepped == SQLITE_ROW) return true;
  if (stepped == SQLITE_DONE) return false;
  return FailSqlite(db_, "database");
}

Status Statement::Run() {
  ResetLater reset(*this);
  for (;;) {
    NJ_ASSIGN(bool row, Step());
    if (!row) return {};
  }
}

void Statement::Reset() {
  sqlite3_reset(statement_);  // repeats the last step's error, which was reported then
  sqlite3_clear_bindings(statement_);
}

int64_t Statement::Int(int column) const {
  return sqlite3_column_int64(statement_, column);
}

std::string_view Statement::Bytes(int column) const {
  auto* data = static_cast<const char*>(sqlite3_column_blob(statement_, column));
  return data == nullptr ? std::string_view()
                         : std::string_view(data, sqlite3_column_bytes(statement_, column));
}

Result<std::unique_ptr<Database>> Database::Open(const std::string& path, Durability durability,
                                                 const std::string& schema, int version,
                                                 const std::vector<std::string>& upgrades) {
  sqlite3* raw = nullptr;
  int opened =
      sqlite3_open_v2(path.c_str(), &raw,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  std::unique_ptr<Database> database(new Database(raw));
  if (opened != SQLITE_OK) return FailSqlite(raw, path);
  sqlite3_busy_timeout(raw, 5000);
  NJ_TRY(database->Execute("PRAGMA journal_mode = WAL"));
  NJ_TRY(database->Execute(durability == Durability::kFull ? "PRAGMA synchronous = FULL"
                                                           : "PRAGMA synchronous = NORMAL"));
  int64_t found;
  {
    NJ_ASSIGN(Statement ask, database->Prepare("PRAGMA user_version"));
    NJ_TRY(ask.Step());
    found = ask.Int(0);
  }
  if (found == version) return database;
  bool old = found > 0 && found < version && version - found <= std::ssize(upgrades);
  if (found != 0 && !old)
    return Fail(ErrorCode::kUnsupported, path + " was written by another version (" +
                                             std::to_string(found) + ", not " +
                                             std::to_string(version) + ")");
  std::string make = "BEGIN IMMEDIATE;";
  if (!old) make += schema;
  for (auto at = upgrades.end() - (old ? version - found : 0); at != upgrades.end(); ++at)
    make += *at + ";";
  make += "; PRAGMA user_version = " + std::to_string(version) + "; COMMIT";
  NJ_TRY(database->Execute(make.c_str()));
  return database;
}

Database::~Database() {
  CHECK(sqlite3_close(db_) == SQLITE_OK);
}

Result<Statement> Database::Prepare(const char* sql) {
  Statement statement;
  statement.db_ = db_;
  if (sqlite3_prepare_v3(db_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement.statement_, nullptr) !=
      SQLITE_OK)
    return FailSqlite(db_, sql);
  return statement;
}

Status Database::Execute(const char* sql) {
  if (sqlite3_exec(db_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) return FailSqlite(db_, sql);
  return {};
}

bool Database::in_transaction() const {
  return sqlite3_get_autocommit(db_) == 0;
}

}  // namespace nightjar
