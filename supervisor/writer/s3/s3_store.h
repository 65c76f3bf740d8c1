// An S3-compatible store for threads that may wait: S3Client on a loop and a thread of its own.
//
// Any thread but its own. After End() everything fails with kUnavailable, what waits included.
#pragma once

#include <memory>
#include <mutex>
#include <thread>

#include "supervisor/writer/s3/remote_store.h"
#include "supervisor/writer/s3/s3_client.h"

namespace nightjar::s3 {

class S3Store final : public RemoteStore {
 public:
  // `clock` outlives it.
  static Result<std::unique_ptr<S3Store>> Create(const Clock& clock, S3Client::Options options);
  ~S3Store() override;
  void End();

  Status Put(std::string_view key, std::string_view object) override;
  Result<std::string> Get(std::string_view key, size_t bytes_max) override;
  Status Delete(std::string_view key) override;
  Status Copy(std::string_view from, std::string_view to) override;

  // Bytes `first` and on of it, at most `count`.
  Result<std::string> GetRange(std::string_view key, uint64_t first, uint64_t count);
  // How long it is.
  Result<uint64_t> SizeOf(std::string_view key);

  void PutLater(const std::string& key, std::shared_ptr<const std::string> object,
                std::function<void(Status)> done) override;
  void Prepare(std::function<void(Status)> done) override;
  std::string SignedUrl(std::string_view key) const override;

 private:
  S3Store(const Clock& clock, std::unique_ptr<Loop> loop, S3Client::Options options);
  // Runs `ask` on the loop's thread. False: it has ended.
  bool Post(std::function<void(S3Client&)> ask);
  // Runs `ask` there and waits for what it tells.
  template <typename T>
  T Wait(std::function<void(S3Client&, std::function<void(T)>)> ask);

  std::unique_ptr<Loop> loop_;
  std::unique_ptr<S3Client> client_;  // the thread's; SignedUrl is anybody's
  std::mutex mutex_;
  bool ended_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace nightjar::s3
