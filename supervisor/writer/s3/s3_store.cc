#include "supervisor/writer/s3/s3_store.h"

#include <charconv>
#include <future>

#include "ipc/core/quiet_thread.h"
#include "supervisor/writer/s3/evidence_lock.h"
#include "supervisor/writer/s3/week_rule.h"

namespace nightjar::s3 {
namespace {

tl::unexpected<Error> Ended() {
  return Fail(ErrorCode::kUnavailable, "the writer ends");
}

Result<std::string> BodyOf(Result<HttpAnswer> answer) {
  if (!answer) return tl::unexpected<Error>(answer.error());
  return std::move(answer->body);
}

// What comes of an object that was put there.
S3Client::Done Locked(S3Client& client, const std::string& key, S3Client::Done done) {
  if (!IsLocked(client.settings(), key)) return done;
  return [&client, key, done = std::move(done)](const Status& put) {
    put ? LockEvidence(client, key, done) : done(put);
  };
}

}  // namespace

Result<std::unique_ptr<S3Store>> S3Store::Create(const Clock& clock, S3Client::Options options) {
  NJ_ASSIGN(auto loop, Loop::Create());
  return std::unique_ptr<S3Store>(new S3Store(clock, std::move(loop), std::move(options)));
}

S3Store::S3Store(const Clock& clock, std::unique_ptr<Loop> loop, S3Client::Options options)
    : loop_(std::move(loop)),
      client_(std::make_unique<S3Client>(*loop_, clock, std::move(options))),
      thread_(QuietThread("nj-s3", [this] { loop_->Run(); })) {}

S3Store::~S3Store() {
  End();
}

void S3Store::End() {
  {
    std::lock_guard lock(mutex_);
    if (std::exchange(ended_, true)) return;
    loop_->Post([this] {
      client_->FailAll();
      loop_->Stop();
    });
  }
  thread_.join();
}

// Under the lock: what is posted comes before the end.
bool S3Store::Post(std::function<void(S3Client&)> ask) {
  std::lock_guard lock(mutex_);
  if (ended_) return false;
  loop_->Post([this, ask = std::move(ask)] { ask(*client_); });
  return true;
}

template <typename T>
T S3Store::Wait(std::function<void(S3Client&, std::function<void(T)>)> ask) {
  auto answer = std::make_shared<std::promise<T>>();
  bool asked = Post([ask = std::move(ask), answer](S3Client& client) {
    ask(client, [answer](T result) { answer->set_value(std::move(result)); });
  });
  if (!asked) return Ended();
  return answer->get_future().get();
}

Status S3Store::Put(std::string_view key, std::string_view object) {
  auto body = std::make_shared<const std::string>(object);
  return Wait<Status>([key = std::string(key), body](S3Client& client, S3Client::Done done) {
    client.Put(key, body, Locked(client, key, std::move(done)));
  });
}

Result<std::string> S3Store::Get(std::string_view key, size_t bytes_max) {
  return BodyOf(Wait<Result<HttpAnswer>>(
      [key = std::string(key), bytes_max](S3Client& client, S3Client::Answered done) {
        client.Get(key, "", bytes_max, std::move(done));
      }));
}

Result<std::string> S3Store::GetRange(std::string_view key, uint64_t first, uint64_t count) {
  std::string range = "bytes=" + std::to_string(first) + "-" + std::to_string(first + count - 1);
  return BodyOf(Wait<Result<HttpAnswer>>(
      [key = std::string(key), range, count](S3Client& client, S3Client::Answered done) {
        client.Get(key, range, count, std::move(done));
      }));
}

Result<uint64_t> S3Store::SizeOf(std::string_view key) {
  NJ_ASSIGN(
      HttpAnswer answer,
      Wait<Result<HttpAnswer>>([key = std::string(key)](S3Client& client, S3Client::Answered done) {
        client.Head(key, std::move(done));
      }));
  const std::string& text = answer.headers["content-length"];
  uint64_t size = 0;
  auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), size);
  if (failed != std::errc() || end != text.data() + text.size())
    return Fail(ErrorCode::kProtocol, "the store does not say how long an object is");
  return size;
}

Status S3Store::Delete(std::string_view key) {
  return Wait<Status>([key = std::string(key)](S3Client& client, S3Client::Done done) {
    if (IsLocked(client.settings(), key)) return RemoveEvidence(client, key, std::move(done));
    client.Delete(key, std::move(done));
  });
}

Status S3Store::Copy(std::string_view from, std::string_view to) {
  return Wait<Status>(
      [from = std::string(from), to = std::string(to)](S3Client& client, S3Client::Done done) {
        client.Copy(from, to, Locked(client, to, std::move(done)));
      });
}

void S3Store::PutLater(const std::string& key, std::shared_ptr<const std::string> object,
                       std::function<void(Status)> done) {
  bool asked = Post([key, object, done](S3Client& client) {
    client.Put(key, object, Locked(client, key, done));
  });
  if (!asked) done(Ended());
}

void S3Store::Prepare(std::function<void(Status)> done) {
  bool asked = Post([done](S3Client& client) {
    if (!client.settings().lock_evidence) return EnsureWeekRule(client, done);
    CheckEvidenceBucket(client, [&client, done](const Status& checked) {
      checked ? EnsureWeekRule(client, done) : done(checked);
    });
  });
  if (!asked) done(Ended());
}

std::string S3Store::SignedUrl(std::string_view key) const {
  return client_->SignedUrl(key, bounds::kSignedUrlTime);
}

}  // namespace nightjar::s3
