// The controls in force, kept so that a restart does not forget them. What they do is the
// supervisor's. Blocks; one thread.
#pragma once

#include <memory>
#include <string>

#include "ipc/core/result.h"
#include "ipc/proto/writer.pb.h"
#include "supervisor/writer/sqlite.h"

namespace nightjar {

class ControlStore {
 public:
  static Result<std::unique_ptr<ControlStore>> Create(const std::string& path);

  // Durable when it returns. Saving what is there, and removing what is not, is done already.
  Status Save(const proto::Control& control);
  Status Remove(uint64_t id);
  // Oldest first; with the largest id that was ever saved, also when its control is gone.
  Result<proto::ControlsStored> Load();

 private:
  explicit ControlStore(std::unique_ptr<Database> db) : db_(std::move(db)) {}
  Status PrepareAll();

  std::unique_ptr<Database> db_;
  Statement save_, remove_, load_, last_;
};

}  // namespace nightjar
