#include "supervisor/writer/s3/multipart.h"

#include "supervisor/writer/s3/store_words.h"

namespace nightjar::s3 {
namespace {

constexpr size_t kIdBytes = 1024;  // of an upload's name and of a part's tag

}  // namespace

Multipart::Multipart(S3Client& client, const std::string& key, S3Client::Body object,
                     S3Client::Done done)
    : client_(client), key_(key), object_(std::move(object)), done_(std::move(done)) {}

void Multipart::Start(S3Client& client, const std::string& key, S3Client::Body object,
                      S3Client::Done done) {
  std::shared_ptr<Multipart> upload(new Multipart(client, key, std::move(object), std::move(done)));
  upload->Begin();
}

void Multipart::Begin() {
  StoreCall call = client_.ObjectCall("POST", key_);
  call.query = {{"uploads", ""}};
  call.headers = {{"content-type", "application/vnd.nightjar.trace"}};
  client_.Call(std::move(call), [self = shared_from_this()](Result<HttpAnswer> answer) {
    if (!answer) return self->GiveUp(answer.error());
    self->upload_id_ = RawTagContent(answer->body, "UploadId", kIdBytes);
    if (self->upload_id_.empty())
      return self->GiveUp({ErrorCode::kProtocol, 0, "the store gives no name to an upload"});
    self->SendNext();
  });
}

void Multipart::SendNext() {
  const size_t size = client_.options().part_bytes;
  const size_t at = etags_.size() * size;
  if (at >= object_->size()) return Complete();
  StoreCall call = client_.ObjectCall("PUT", key_);
  call.query = {{"partNumber", std::to_string(etags_.size() + 1)}, {"uploadId", upload_id_}};
  call.body = std::make_shared<const std::string>(object_->substr(at, size));
  client_.Call(std::move(call), [self = shared_from_this()](Result<HttpAnswer> answer) {
    if (!answer) return self->GiveUp(answer.error());
    std::string etag = answer->headers["etag"];
    // It goes into an XML document as it is.
    if (etag.empty() || etag.size() > kIdBytes || etag.find_first_of("<>&") != etag.npos)
      return self->GiveUp({ErrorCode::kProtocol, 0, "the store gives no tag to a part"});
    self->etags_.push_back(std::move(etag));
    self->SendNext();
  });
}

void Multipart::Complete() {
  std::string xml = "<CompleteMultipartUpload>";
  for (size_t i = 0; i < etags_.size(); ++i)
    xml += "<Part><PartNumber>" + std::to_string(i + 1) + "</PartNumber><ETag>" + etags_[i] +
           "</ETag></Part>";
  xml += "</CompleteMultipartUpload>";
  StoreCall call = client_.ObjectCall("POST", key_);
  call.query = {{"uploadId", upload_id_}};
  call.headers = {{"content-type", "application/xml"}};
  call.body = std::make_shared<const std::string>(std::move(xml));
  client_.Call(std::move(call), [self = shared_from_this()](Result<HttpAnswer> answer) {
    if (!answer) return self->GiveUp(answer.error());
    self->done_({});
  });
}

void Multipart::GiveUp(Error error) {
  if (!upload_id_.empty()) {
    StoreCall call = client_.ObjectCall("DELETE", key_);
    call.query = {{"uploadId", upload_id_}};
    client_.Call(std::move(call), [](const Result<HttpAnswer>&) {});
  }
  done_(tl::unexpected<Error>(std::move(error)));
}

}  // namespace nightjar::s3
