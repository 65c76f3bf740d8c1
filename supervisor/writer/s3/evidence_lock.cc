#include "supervisor/writer/s3/evidence_lock.h"

#include <memory>
#include <vector>

#include "supervisor/writer/s3/digest.h"
#include "supervisor/writer/s3/store_words.h"

namespace nightjar::s3 {
namespace {

constexpr std::string_view kEvidence = "evidence/";
constexpr size_t kVersionIdBytes = 1024;

struct Version {
  std::string id;
  bool marker = false;  // of a removal: there is nothing in it, and no hold on it
};

StoreCall HoldCall(const S3Client& client, const char* method, const std::string& key) {
  StoreCall call = client.ObjectCall(method, key);
  call.query = {{"legal-hold", ""}};
  return call;
}

StoreCall SetHold(const S3Client& client, const std::string& key, const char* status) {
  StoreCall call = HoldCall(client, "PUT", key);
  call.body = std::make_shared<const std::string>(
      "<LegalHold xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Status>" +
      std::string(status) + "</Status></LegalHold>");
  call.headers = {{"content-md5", Md5Base64(*call.body)}, {"content-type", "application/xml"}};
  return call;
}

// Appends those of `key` that stand between <TAG> and </TAG>. False: one has no id.
bool AppendVersions(std::string_view xml, const std::string& tag, bool marker,
                    const std::string& key, std::vector<Version>& versions) {
  const std::string opening = "<" + tag + ">", closing = "</" + tag + ">";
  for (size_t at; (at = xml.find(opening)) != xml.npos;) {
    xml.remove_prefix(at + opening.size());
    std::string_view one = xml.substr(0, xml.find(closing));
    if (RawTagContent(one, "Key", key.size()) != key) continue;  // a longer one
    std::string id = RawTagContent(one, "VersionId", kVersionIdBytes);
    if (id.empty()) return false;
    versions.push_back({std::move(id), marker});
  }
  return true;
}

// One version after the other, so that a failure names its call; they are one or two.
class Removal : public std::enable_shared_from_this<Removal> {
 public:
  Removal(S3Client& client, std::string key, S3Client::Done done)
      : client_(client), key_(std::move(key)), done_(std::move(done)) {}

  void Begin() {
    StoreCall call = client_.ObjectCall("GET", "");
    call.bucket = client_.settings().bucket_evidence;
    call.query = {{"prefix", key_}, {"versions", ""}};
    client_.Call(std::move(call), [self = shared_from_this()](const Result<HttpAnswer>& answer) {
      if (!answer) return self->done_(tl::unexpected<Error>(answer.error()));
      if (!AppendVersions(answer->body, "Version", false, self->key_, self->versions_) ||
          !AppendVersions(answer->body, "DeleteMarker", true, self->key_, self->versions_))
        return self->done_(
            nightjar::Fail(ErrorCode::kProtocol, "the store gives no name to a version"));
      self->Next();
    });
  }

 private:
  void Next() {
    if (versions_.empty()) return done_({});
    Version version = std::move(versions_.back());
    versions_.pop_back();
    if (version.marker) return Remove(version.id);
    StoreCall call = SetHold(client_, key_, "OFF");
    call.query.emplace_back("versionId", version.id);
    client_.Call(std::move(call),
                 [self = shared_from_this(), id = version.id](const Result<HttpAnswer>& answer) {
                   if (!answer) return self->done_(tl::unexpected<Error>(answer.error()));
                   self->Remove(id);
                 });
  }

  void Remove(const std::string& id) {
    StoreCall call = client_.ObjectCall("DELETE", key_);
    call.query = {{"versionId", id}};
    // A release is meant, also before the time that the bucket keeps everything for.
    call.headers = {{"x-amz-bypass-governance-retention", "true"}};
    client_.Call(std::move(call), [self = shared_from_this()](const Result<HttpAnswer>& answer) {
      if (!answer && answer.error().code != ErrorCode::kNotFound)
        return self->done_(tl::unexpected<Error>(answer.error()));
      self->Next();
    });
  }

  S3Client& client_;
  const std::string key_;
  const S3Client::Done done_;
  std::vector<Version> versions_;
};

}  // namespace

bool IsLocked(const StoreSettings& settings, std::string_view key) {
  return settings.lock_evidence && key.starts_with(kEvidence);
}

void LockEvidence(S3Client& client, const std::string& key, S3Client::Done done) {
  client.Call(SetHold(client, key, "ON"), [&client, key,
                                           done = std::move(done)](const Result<HttpAnswer>& set) {
    if (!set) return done(Wrap(set.error(), "holding " + key + " in the store"));
    client.Call(HoldCall(client, "GET", key), [key, done](const Result<HttpAnswer>& looked) {
      if (!looked) return done(tl::unexpected<Error>(looked.error()));
      if (TagContent(looked->body, "Status") == "ON") return done({});
      done(nightjar::Fail(ErrorCode::kProtocol,
                          "the store takes a hold on " + key + " and keeps none"));
    });
  });
}

void RemoveEvidence(S3Client& client, const std::string& key, S3Client::Done done) {
  std::make_shared<Removal>(client, key, std::move(done))->Begin();
}

void CheckEvidenceBucket(S3Client& client, S3Client::Done done) {
  StoreCall call;
  call.method = "GET";
  call.bucket = client.settings().bucket_evidence;
  call.query = {{"object-lock", ""}};
  client.Call(std::move(call), [bucket = client.settings().bucket_evidence,
                                done = std::move(done)](const Result<HttpAnswer>& answer) {
    if (answer && TagContent(answer->body, "ObjectLockEnabled") == "Enabled") return done({});
    if (!answer && WorthRetrying(answer.error()))
      return done(tl::unexpected<Error>(answer.error()));
    done(nightjar::Fail(
        ErrorCode::kInvalid,
        "bucket " + bucket + " was made without object lock: evidence_lock needs one that has it"));
  });
}

}  // namespace nightjar::s3
