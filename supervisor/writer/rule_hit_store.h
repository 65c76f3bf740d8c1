// What abuse rules have hit: those that go on, so that a restart does not forget them, and the
// newest of the others, for whoever asks. Blocks; one thread.
#pragma once

#include <memory>
#include <string>

#include "ipc/core/result.h"
#include "ipc/proto/writer.pb.h"
#include "supervisor/writer/sqlite.h"

namespace nightjar {

class RuleHitStore {
 public:
  static Result<std::unique_ptr<RuleHitStore>> Create(const std::string& path);

  // In place of what was saved of it before. Durable when it returns.
  Status Save(const proto::RuleHit& hit);
  // Newest first, as many as fit an answer.
  Result<proto::RuleHitList> List(const proto::RuleHitsWanted& wanted);

 private:
  explicit RuleHitStore(std::unique_ptr<Database> db) : db_(std::move(db)) {}

  std::unique_ptr<Database> db_;  // before the statements, which must be gone when it closes
  Statement save_, trim_, list_;
};

}  // namespace nightjar
