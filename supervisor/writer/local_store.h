// An ObjectStore in a local directory: one file an object, at ROOT/<key>.
//
// Objects appear whole or not at all (written aside, then renamed), and a copy is another name of
// the same file. They are not synced: a crash of the host may lose the newest traces, and their
// readers say so. A day expires whole, by one rename; its files are removed afterwards. One
// directory has one store at a time, which the writer's lock sees to.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "ipc/core/fd.h"
#include "supervisor/writer/object_store.h"

namespace nightjar {

class LocalStore final : public ObjectStore {
 public:
  // Makes `root` and clears what an earlier writer left half written.
  static Result<std::unique_ptr<LocalStore>> Create(const std::string& root);

  Status Put(std::string_view key, std::string_view object) override;
  Result<std::string> Get(std::string_view key, size_t bytes_max) override;
  Status Delete(std::string_view key) override;
  Status Replace(std::string_view key, std::string_view object) override;
  Status Copy(std::string_view from, std::string_view to) override;
  Result<bool> ExpireBefore(std::string_view day) override;

  // kNotFound.
  Result<uint64_t> SizeOf(std::string_view key) const;
  // Every object, in no order, until `seen` returns false. Others may come and go meanwhile.
  Status Walk(const std::function<bool(const std::string& key, uint64_t bytes)>& seen) const;
  // Of days and canvases. Before the first Put.
  Status RemoveEmptyDirectories();

 private:
  LocalStore(Fd root, Fd unfinished) : root_(std::move(root)), unfinished_(std::move(unfinished)) {}
  Status MakeParents(const std::string& path);
  Status WriteAside(const std::string& name, std::string_view object, const std::string& path);
  Status NameUnfinished(const std::string& name, const std::string& path);
  Status RenameAway(const std::string& day);

  Fd root_;
  Fd unfinished_;
};

}  // namespace nightjar
