#include "supervisor/writer/s3/s3_client.h"

#include <algorithm>

#include "supervisor/writer/s3/multipart.h"
#include "supervisor/writer/s3/store_address.h"
#include "supervisor/writer/s3/store_words.h"
#include "supervisor/writer/sha256.h"

namespace nightjar::s3 {
namespace {

constexpr const char* kTraceType = "application/vnd.nightjar.trace";

// Copies and the ends of multipart uploads may answer 200 and then tell of a failure.
bool FailedAfterAll(const StoreCall& call, const HttpAnswer& answer) {
  return call.method != "GET" && answer.body.find("<Error>") != std::string::npos;
}

// Of a store that does not answer the caller hears soon, and tries again by itself.
Nanos TimeToSend(size_t bytes) {
  return bounds::kStorePutTime + std::chrono::seconds(bytes / bounds::kStorePutBytesPerSecond);
}

int64_t UnixSeconds(const Clock& clock) {
  return UnixMillis(clock.Wall()) / 1000;
}

}  // namespace

struct S3Client::Pending {
  StoreCall call;
  Answered done;
  MonoTime until;
  int tried = 0;
  std::unique_ptr<Timer> again;
};

S3Client::S3Client(Loop& loop, const Clock& clock, Options options)
    : loop_(loop),
      clock_(clock),
      options_(std::move(options)),
      signer_(options_.store.provider, options_.credentials, options_.store.region),
      random_(std::random_device()()),
      http_(std::make_unique<HttpTransfers>(loop, options_.http)) {}

S3Client::~S3Client() {
  FailAll();
}

void S3Client::FailAll() {
  http_.reset();
  // What is started by one that ends is ended as well.
  while (!active_.empty() || !waiting_.empty()) {
    auto ending = std::exchange(active_, {});
    for (PendingPtr& pending : std::exchange(waiting_, {})) ending.push_back(std::move(pending));
    for (const PendingPtr& pending : ending) pending->again.reset();  // it holds what holds it
    for (const PendingPtr& pending : ending)
      pending->done(nightjar::Fail(ErrorCode::kUnavailable, "the writer ends"));
  }
}

void S3Client::Call(StoreCall call, Answered done) {
  auto pending = std::make_shared<Pending>();
  pending->call = std::move(call);
  pending->done = std::move(done);
  pending->until = clock_.Mono() + pending->call.time_in_all;
  if (http_ != nullptr && waiting_.size() >= bounds::kStoreCallsWaiting) {
    active_.push_back(pending);
    pending->again = std::make_unique<Timer>(loop_, [this, pending] {
      Finish(pending, nightjar::Fail(ErrorCode::kExhausted, "too many calls wait for the store"));
    });
    return pending->again->StartAfter(Nanos(0));
  }
  waiting_.push_back(std::move(pending));
  TakeNext();
}

void S3Client::TakeNext() {
  while (http_ != nullptr && !waiting_.empty() && active_.size() < bounds::kStoreCalls) {
    PendingPtr next = std::move(waiting_.front());
    waiting_.pop_front();
    active_.push_back(next);
    Attempt(next);
  }
}

HttpCall S3Client::Signed(const StoreCall& call) const {
  Address address = AddressOf(options_.store, call.bucket, call.key);
  ToSign request{call.method, address.host, address.path, call.query, call.headers};
  std::string_view body = call.body ? std::string_view(*call.body) : std::string_view();
  Fields added = signer_.SignHeaders(request, HashText(Sha256({body})), UnixSeconds(clock_));
  HttpCall http;
  http.method = call.method;
  http.url = OriginOf(options_.store, address) + address.path;
  if (!call.query.empty()) http.url += "?" + EncodeQuery(call.query);
  const Fields* const both[] = {&call.headers, &added};
  for (const Fields* fields : both)
    for (const auto& [name, value] : *fields) http.headers.push_back(name + ": " + value);
  http.body = call.body;
  http.answer_bytes_max = call.answer_bytes_max;
  return http;
}

void S3Client::Attempt(const PendingPtr& pending) {
  ++pending->tried;
  HttpCall http = Signed(pending->call);
  http.time = std::max<Nanos>(std::min<Nanos>(pending->call.time, pending->until - clock_.Mono()),
                              std::chrono::milliseconds(1));
  http_->Start(std::move(http), [this, pending](Result<HttpAnswer> answer) {
    OnAnswer(pending, std::move(answer));
  });
}

void S3Client::OnAnswer(const PendingPtr& pending, Result<HttpAnswer> answer) {
  if (!answer) {
    if (WorthRetrying(answer.error()) && RetryLater(pending)) return;
    return Finish(pending, std::move(answer));
  }
  bool good = answer->status >= 200 && answer->status < 300;
  bool failed_after_all = good && FailedAfterAll(pending->call, *answer);
  if (good && !failed_after_all) return Finish(pending, std::move(answer));
  long status = failed_after_all ? 500 : answer->status;
  if (WorthRetrying(status, answer->body) && RetryLater(pending)) return;
  Finish(pending, tl::unexpected<Error>(StoreError(status, answer->body)));
}

bool S3Client::RetryLater(const PendingPtr& pending) {
  if (pending->tried >= pending->call.attempts) return false;
  Nanos most =
      std::min<Nanos>(options_.retry_max, options_.retry_min * (1 << (pending->tried - 1)));
  Nanos delay(std::uniform_int_distribution<int64_t>(0, most.count())(random_));
  if (clock_.Mono() + delay >= pending->until) return false;
  pending->again = std::make_unique<Timer>(loop_, [this, pending] { Attempt(pending); });
  pending->again->StartAfter(delay);
  return true;
}

void S3Client::Finish(const PendingPtr& pending, Result<HttpAnswer> result) {
  PendingPtr kept = pending;
  active_.erase(std::find(active_.begin(), active_.end(), kept));
  kept->again.reset();  // it holds a reference to what holds it
  kept->done(std::move(result));
  TakeNext();
}

StoreCall S3Client::ObjectCall(const char* method, const std::string& key) const {
  StoreCall call;
  call.method = method;
  call.bucket = BucketOf(options_.store, key);
  call.key = key;
  return call;
}

void S3Client::Put(const std::string& key, Body object, Done done) {
  if (object->size() > options_.multipart_bytes)
    return Multipart::Start(*this, key, std::move(object), std::move(done));
  StoreCall call = ObjectCall("PUT", key);
  call.headers = {{"content-type", kTraceType}};
  call.time_in_all = TimeToSend(object->size());
  call.body = std::move(object);
  Call(std::move(call), [done = std::move(done)](Result<HttpAnswer> answer) {
    done(answer ? Status() : Status(tl::unexpect, answer.error()));
  });
}

void S3Client::Get(const std::string& key, const std::string& range, size_t bytes_max,
                   Answered done) {
  StoreCall call = ObjectCall("GET", key);
  if (!range.empty()) call.headers = {{"range", range}};
  call.answer_bytes_max = bytes_max;
  call.time_in_all = bounds::kStoreReadTime;
  Call(std::move(call), std::move(done));
}

void S3Client::Head(const std::string& key, Answered done) {
  StoreCall call = ObjectCall("HEAD", key);
  call.time_in_all = bounds::kStoreReadTime;
  Call(std::move(call), std::move(done));
}

void S3Client::Delete(const std::string& key, Done done) {
  StoreCall call = ObjectCall("DELETE", key);
  Call(std::move(call), [done = std::move(done)](Result<HttpAnswer> answer) {
    bool gone = answer || answer.error().code == ErrorCode::kNotFound;
    done(gone ? Status() : Status(tl::unexpect, answer.error()));
  });
}

void S3Client::Copy(const std::string& from, const std::string& to, Done done) {
  StoreCall call = ObjectCall("PUT", to);
  std::string prefix(signer_.header_prefix());
  call.headers = {
      {"content-type", kTraceType},
      {prefix + "copy-source",
       "/" + std::string(BucketOf(options_.store, from)) + "/" + EncodePath(from)},
      {prefix + "metadata-directive", "REPLACE"},
  };
  Call(std::move(call), [done = std::move(done)](Result<HttpAnswer> answer) {
    done(answer ? Status() : Status(tl::unexpect, answer.error()));
  });
}

std::string S3Client::SignedUrl(std::string_view key, Nanos lasts) const {
  Address address = AddressOf(options_.store, BucketOf(options_.store, key), key);
  ToSign request{"GET", address.host, address.path, {}, {}};
  int64_t seconds = std::chrono::duration_cast<std::chrono::seconds>(lasts).count();
  return OriginOf(options_.store, address) + address.path + "?" +
         signer_.SignQuery(request, UnixSeconds(clock_), seconds);
}

}  // namespace nightjar::s3
