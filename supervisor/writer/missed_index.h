// Requests that no route took: of each canvas the kMissedRoutesKept routes that were asked for
// last.
//
// A route here is a method and a path as it came. A crash of the host may lose the newest seconds.
// Blocks; one thread.
#pragma once

#include <memory>
#include <string>

#include "ipc/core/result.h"
#include "ipc/proto/writer.pb.h"
#include "supervisor/writer/sqlite.h"

namespace nightjar {

class MissedIndex {
 public:
  static constexpr int kVersion = 2;  // of its file

  static Result<std::unique_ptr<MissedIndex>> Create(const std::string& path);

  // All or none. Counts are added to what is there.
  Status Add(const proto::RoutesMissed& missed);
  // Newest first.
  Result<proto::MissedList> List(const proto::ListMissed& question);
  // With its request, where that is kept. kNotFound.
  Result<proto::MissedRoute> Get(const proto::GetMissed& question);

 private:
  explicit MissedIndex(std::unique_ptr<Database> db) : db_(std::move(db)) {}
  Status PrepareAll();
  Status AddAll(const proto::RoutesMissed& missed);
  Status AddOne(const proto::MissedRoute& route);
  Status Prune(const std::string& canvas);
  static proto::MissedRoute RouteIn(const Statement& row, const std::string& canvas);

  std::unique_ptr<Database> db_;  // before the statements, which must be gone when it closes
  Statement add_, prune_, list_, get_;
};

}  // namespace nightjar
