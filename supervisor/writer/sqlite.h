// SQLite, as far as the writer's tables need it: a connection and prepared statements. The only
// files that include sqlite3.h.
//
// One thread a connection. Bound text and blobs are borrowed until the statement is reset, read
// ones until its next step.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/core/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace nightjar {

enum class Durability {
  kLazy,  // a crash of the host may lose the newest transactions, never the file
  kFull,  // a committed transaction is on the disk
};

class Statement {
 public:
  Statement() = default;
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&& other) noexcept;
  ~Statement();

  // Parameters count from 1, columns from 0. A parameter never bound is NULL.
  void BindInt(int parameter, int64_t value);
  void BindText(int parameter, std::string_view text);
  void BindBlob(int parameter, std::string_view bytes);

  Result<bool> Step();  // true: there is a row
  Status Run();         // steps to the end and resets
  void Reset();         // and forgets what was bound

  int64_t Int(int column) const;
  std::string_view Bytes(int column) const;  // text or blob

 private:
  friend class Database;
  sqlite3* db_ = nullptr;
  sqlite3_stmt* statement_ = nullptr;
};

// Resets a statement at the end of the block that uses it.
class ResetLater {
 public:
  explicit ResetLater(Statement& statement) : statement_(statement) {}
  ~ResetLater() { statement_.Reset(); }

 private:
  Statement& statement_;
};

class Database {
 public:
  // Opens or makes the file. A new one gets `schema` and `version`. To an older one all `upgrades`
  // from its version on are done: the last one leads to `version`, the one before it to the version
  // before. What is older still, or newer, is kUnsupported.
  static Result<std::unique_ptr<Database>> Open(const std::string& path, Durability durability,
                                                const std::string& schema, int version,
                                                const std::vector<std::string>& upgrades = {});
  ~Database();

  Result<Statement> Prepare(const char* sql);
  Status Execute(const char* sql);
  bool in_transaction() const;

 private:
  explicit Database(sqlite3* db) : db_(db) {}
  sqlite3* db_;
};

}  // namespace nightjar
