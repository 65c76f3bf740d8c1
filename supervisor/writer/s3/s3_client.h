// An S3-compatible store, call by call: signed, bounded, tried again where that may help.
//
// What fails on the way or with 408, 429 and 5xx is tried again with full jitter; no other 4xx is.
// Large objects travel in parts. Every call of this is idempotent, so that trying again is safe.
// At most kStoreCalls are under way, kStoreCallsWaiting wait. It holds no object but those of its
// calls. Loop thread only.
//
// Errors: kPermission (401, 403: keys, clock or rights), kNotFound, kUnavailable, kTimedOut,
// kExhausted (too many calls wait), kInvalid (another 4xx or 3xx), kProtocol. They carry what the
// store said of it.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>

#include "ipc/core/clock.h"
#include "supervisor/loop/loop.h"
#include "supervisor/writer/s3/http_transfers.h"
#include "supervisor/writer/s3/sigv4.h"

namespace nightjar::s3 {

// One call, as often as it is tried.
struct StoreCall {
  std::string method;
  std::string bucket;
  std::string key;  // empty: the bucket itself
  Fields query;
  Fields headers;  // names in lower case
  std::shared_ptr<const std::string> body;
  size_t answer_bytes_max = bounds::kStoreAnswerBytes;
  Nanos time = bounds::kStoreCallTime;  // of one attempt
  Nanos time_in_all = 3 * Nanos(bounds::kStoreCallTime);
  int attempts = bounds::kStoreAttempts;
};

class S3Client {
 public:
  struct Options {
    StoreSettings store;
    Credentials credentials;
    HttpTransfers::Options http;
    Nanos retry_min = bounds::kStoreRetryMin;
    Nanos retry_max = bounds::kStoreRetryMax;
    size_t multipart_bytes = bounds::kMultipartBytes;
    size_t part_bytes = bounds::kMultipartPartBytes;
  };
  // `loop` and `clock` outlive this.
  S3Client(Loop& loop, const Clock& clock, Options options);
  ~S3Client();  // FailAll()

  using Body = std::shared_ptr<const std::string>;
  using Done = std::function<void(Status)>;
  using Answered = std::function<void(Result<HttpAnswer>)>;

  // Each `done` once; in a later turn, but for the destructor.
  void Put(const std::string& key, Body object, Done done);
  // The object, or the bytes of it that `range` names ("bytes=0-9"), as they come: the status is
  // 200 or 206.
  void Get(const std::string& key, const std::string& range, size_t bytes_max, Answered done);
  void Head(const std::string& key, Answered done);
  void Delete(const std::string& key, Done done);
  // On the store's side; what is at `to` is replaced, and its metadata are not those of `from`.
  void Copy(const std::string& from, const std::string& to, Done done);
  // For Call(): of this object, with nothing in it yet.
  StoreCall ObjectCall(const char* method, const std::string& key) const;
  // Any call. A status that is not 2xx is an error.
  void Call(StoreCall call, Answered done);

  // Ends everything under way with kUnavailable, before it returns, and starts nothing any more.
  void FailAll();

  // A GET of this object for everybody, for as long as it `lasts`. Any thread.
  std::string SignedUrl(std::string_view key, Nanos lasts) const;

  const StoreSettings& settings() const { return options_.store; }
  const Options& options() const { return options_; }
  Loop& loop() { return loop_; }

 private:
  struct Pending;
  using PendingPtr = std::shared_ptr<Pending>;
  void TakeNext();
  void Attempt(const PendingPtr& pending);
  void OnAnswer(const PendingPtr& pending, Result<HttpAnswer> answer);
  bool RetryLater(const PendingPtr& pending);
  void Finish(const PendingPtr& pending, Result<HttpAnswer> result);
  HttpCall Signed(const StoreCall& call) const;

  Loop& loop_;
  const Clock& clock_;
  Options options_;
  Signer signer_;
  std::minstd_rand random_;
  std::deque<PendingPtr> waiting_;
  std::vector<PendingPtr> active_;
  // Last: it is gone before what its callbacks use.
  std::unique_ptr<HttpTransfers> http_;
};

}  // namespace nightjar::s3
