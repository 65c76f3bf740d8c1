// What waits on this machine's disk for a store beyond the network: a LocalStore with a bound.
//
// An object lies here under the key that it will have there. The spool knows how many bytes it
// holds, refuses more than it may have, and tells the uploader of objects whose rows are safe. It
// keeps no list of what is in it: the directory is that list, before and after a crash.
//
// Put and Remove are the archive thread's, as of LocalStore; the rest is any thread's.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "supervisor/writer/local_store.h"

namespace nightjar {

class Spool {
 public:
  // Counts what an earlier writer left, and removes its empty directories.
  static Result<std::shared_ptr<Spool>> Create(const std::string& dir, uint64_t bytes_max);

  // kExhausted: it is full. The object replaces one of the same key.
  Status Put(std::string_view key, std::string_view object);
  Result<std::string> Get(std::string_view key, size_t bytes_max);
  bool Has(std::string_view key) const;
  Result<uint64_t> SizeOf(std::string_view key) const;
  Status Remove(std::string_view key);
  // kNotFound: it does not lie here. kExhausted, as of Put.
  Status Copy(std::string_view from, std::string_view to);

  // To be uploaded. More than kUploadKeys are not remembered: they are found in the directory.
  void Ready(std::string_view key);
  // Those of Ready() since the last call, and whether there were more.
  struct Fresh {
    std::vector<std::string> keys;
    bool more = false;
  };
  Fresh TakeReady();
  // Called by Ready() on its thread, under the spool's lock; null: nobody is to be told.
  void OnReady(std::function<void()> told);
  // The uploader reads these and has them under way, until they are put down. From any thread.
  void TakeUp(const std::vector<std::string>& keys);
  void PutDown(const std::vector<std::string>& keys);
  // It was taken up: removed from here it may still come to be there.
  bool IsLeaving(std::string_view key) const;
  // Up to `keys_max` of what lies here and is not `known`.
  Result<std::vector<std::string>> Find(size_t keys_max,
                                        const std::function<bool(const std::string&)>& known) const;

  uint64_t bytes() const { return bytes_; }
  uint64_t objects() const { return objects_; }
  uint64_t dropped() const { return dropped_; }  // by Put, for lack of room

 private:
  Spool(std::unique_ptr<LocalStore> files, uint64_t bytes_max)
      : files_(std::move(files)), bytes_max_(bytes_max) {}
  Status CheckRoom(uint64_t bytes, uint64_t replaced);
  uint64_t SizeNow(std::string_view key) const;

  std::unique_ptr<LocalStore> files_;
  const uint64_t bytes_max_;
  std::atomic<uint64_t> bytes_{0};
  std::atomic<uint64_t> objects_{0};
  std::atomic<uint64_t> dropped_{0};
  mutable std::mutex mutex_;
  Fresh ready_;  // guarded by mutex_, like the next two
  std::set<std::string, std::less<>> leaving_;
  std::function<void()> told_;
};

}  // namespace nightjar
