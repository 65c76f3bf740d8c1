#include "supervisor/writer/s3/spooled_store.h"

namespace nightjar {

Status SpooledStore::Put(std::string_view key, std::string_view object) {
  return spool_->Put(key, object);
}

// Uploaded first, then removed: what is not here any more is there.
Result<std::string> SpooledStore::Get(std::string_view key, size_t bytes_max) {
  auto object = spool_->Get(key, bytes_max);
  if (object || object.error().code != ErrorCode::kNotFound) return object;
  return remote_.Get(key, bytes_max);
}

Result<std::string> SpooledStore::GetUnlisted(std::string_view key, size_t bytes_max) {
  return spool_->Get(key, bytes_max);
}

Status SpooledStore::Delete(std::string_view key) {
  NJ_TRY(spool_->Remove(key));
  // What an upload has read already would come back behind the removal.
  if (spool_->IsLeaving(key))
    return Fail(ErrorCode::kUnavailable, "it is being uploaded at this moment");
  return remote_.Delete(key);
}

Status SpooledStore::Replace(std::string_view key, std::string_view object) {
  NJ_TRY(CheckUploaded(key));
  return remote_.Put(key, object);
}

// What is here or on its way would take the newer one's place later.
Status SpooledStore::CheckUploaded(std::string_view key) const {
  if (spool_->Has(key) || spool_->IsLeaving(key))
    return Fail(ErrorCode::kUnavailable, "an older copy still waits for the store");
  return {};
}

Status SpooledStore::Copy(std::string_view from, std::string_view to) {
  Status copied = spool_->Copy(from, to);
  if (copied) spool_->Ready(to);
  if (copied || copied.error().code != ErrorCode::kNotFound) return copied;
  NJ_TRY(CheckUploaded(to));
  return remote_.Copy(from, to);
}

void SpooledStore::Listed(std::string_view key) {
  spool_->Ready(key);
}

}  // namespace nightjar
