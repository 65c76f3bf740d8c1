// The archive's store where there is one beyond the network: puts into the spool, and looks there
// first. An uploader does the rest.
//
// Threads as of ObjectStore; Get() and Copy() may wait for the network.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "supervisor/writer/s3/remote_store.h"
#include "supervisor/writer/s3/spool.h"

namespace nightjar {

class SpooledStore final : public ObjectStore {
 public:
  // `remote` outlives it.
  SpooledStore(std::shared_ptr<Spool> spool, RemoteStore& remote)
      : spool_(std::move(spool)), remote_(remote) {}

  Status Put(std::string_view key, std::string_view object) override;
  Result<std::string> Get(std::string_view key, size_t bytes_max) override;
  Status Delete(std::string_view key) override;
  // kUnavailable, also: an older one is not uploaded yet.
  Status Replace(std::string_view key, std::string_view object) override;
  // Of what lies in the spool, into the spool; else on the store's side. kUnavailable, also: there
  // is an older one at `to` that is not uploaded yet.
  Status Copy(std::string_view from, std::string_view to) override;
  // The store's rule does it. What is older and still here is uploaded first.
  Result<bool> ExpireBefore(std::string_view) override { return false; }
  void Listed(std::string_view key) override;
  Result<std::string> GetUnlisted(std::string_view key, size_t bytes_max) override;

 private:
  Status CheckUploaded(std::string_view key) const;

  std::shared_ptr<Spool> spool_;
  RemoteStore& remote_;
};

}  // namespace nightjar
