#include "supervisor/writer/s3/spool.h"

#include "ipc/core/bounds.h"

namespace nightjar {

Result<std::shared_ptr<Spool>> Spool::Create(const std::string& dir, uint64_t bytes_max) {
  NJ_ASSIGN(auto files, LocalStore::Create(dir));
  std::shared_ptr<Spool> spool(new Spool(std::move(files), bytes_max));
  NJ_TRY(spool->files_->RemoveEmptyDirectories());
  NJ_TRY(spool->files_->Walk([&spool](const std::string&, uint64_t bytes) {
    spool->bytes_ += bytes;
    ++spool->objects_;
    return true;
  }));
  return spool;
}

uint64_t Spool::SizeNow(std::string_view key) const {
  return files_->SizeOf(key).value_or(0);
}

Status Spool::CheckRoom(uint64_t bytes, uint64_t replaced) {
  if (bytes_ - replaced + bytes <= bytes_max_) return {};
  return Fail(ErrorCode::kExhausted, "the spool is full");
}

Status Spool::Put(std::string_view key, std::string_view object) {
  const uint64_t replaced = SizeNow(key);
  if (Status room = CheckRoom(object.size(), replaced); !room) {
    ++dropped_;
    return room;
  }
  NJ_TRY(files_->Put(key, object));
  bytes_ += object.size() - replaced;
  if (replaced == 0) ++objects_;
  return {};
}

Result<std::string> Spool::Get(std::string_view key, size_t bytes_max) {
  return files_->Get(key, bytes_max);
}

bool Spool::Has(std::string_view key) const {
  return files_->SizeOf(key).has_value();
}

Result<uint64_t> Spool::SizeOf(std::string_view key) const {
  return files_->SizeOf(key);
}

Status Spool::Remove(std::string_view key) {
  auto bytes = files_->SizeOf(key);
  if (!bytes && bytes.error().code == ErrorCode::kNotFound) return {};
  if (!bytes) return tl::unexpected<Error>(bytes.error());
  NJ_TRY(files_->Delete(key));
  bytes_ -= *bytes;
  --objects_;
  return {};
}

Status Spool::Copy(std::string_view from, std::string_view to) {
  NJ_ASSIGN(uint64_t bytes, files_->SizeOf(from));
  const uint64_t replaced = SizeNow(to);
  NJ_TRY(CheckRoom(bytes, replaced));
  NJ_TRY(files_->Copy(from, to));
  bytes_ += bytes - replaced;
  if (replaced == 0) ++objects_;
  return {};
}

void Spool::Ready(std::string_view key) {
  std::lock_guard lock(mutex_);
  if (ready_.keys.size() < bounds::kUploadKeys)
    ready_.keys.emplace_back(key);
  else
    ready_.more = true;
  if (told_) told_();
}

Spool::Fresh Spool::TakeReady() {
  std::lock_guard lock(mutex_);
  return std::exchange(ready_, {});
}

void Spool::TakeUp(const std::vector<std::string>& keys) {
  std::lock_guard lock(mutex_);
  leaving_.insert(keys.begin(), keys.end());
}

void Spool::PutDown(const std::vector<std::string>& keys) {
  std::lock_guard lock(mutex_);
  for (const std::string& key : keys) leaving_.erase(key);
}

bool Spool::IsLeaving(std::string_view key) const {
  std::lock_guard lock(mutex_);
  return leaving_.contains(key);
}

void Spool::OnReady(std::function<void()> told) {
  std::lock_guard lock(mutex_);
  told_ = std::move(told);
}

Result<std::vector<std::string>> Spool::Find(
    size_t keys_max, const std::function<bool(const std::string&)>& known) const {
  std::vector<std::string> found;
  NJ_TRY(files_->Walk([&](const std::string& key, uint64_t) {
    if (!known(key)) found.push_back(key);
    return found.size() < keys_max;
  }));
  return found;
}

}  // namespace nightjar
