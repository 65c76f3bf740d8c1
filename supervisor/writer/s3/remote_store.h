// A store beyond the network, as the spool and its uploader see it.
//
// The calls of ObjectStore block for as long as their bounds allow, on any thread but the store's
// own; the others never do.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "supervisor/writer/object_store.h"

namespace nightjar {

class RemoteStore : public ObjectStore {
 public:
  // The rule that Prepare() set does it.
  Result<bool> ExpireBefore(std::string_view) final { return false; }
  // What is put there stays there.
  Status Replace(std::string_view key, std::string_view object) final { return Put(key, object); }
  // `done` once, on a thread of the store's; here, where the store has ended. Any thread.
  virtual void PutLater(const std::string& key, std::shared_ptr<const std::string> object,
                        std::function<void(Status)> done) = 0;
  // What has to be so before objects are put there: the rule by which they expire. Likewise.
  virtual void Prepare(std::function<void(Status)> done) = 0;
  // Where anybody may GET this object for a short while. Any thread.
  virtual std::string SignedUrl(std::string_view key) const = 0;
};

}  // namespace nightjar
