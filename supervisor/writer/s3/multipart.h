// One object that travels to the store in parts, one after the other; given up as a whole.
//
// S3Client starts it. On failure the store is told to forget the parts, as it would keep them, and
// charge for them, for ever; whether it heard that is not waited for. Loop thread only.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "supervisor/writer/s3/s3_client.h"

namespace nightjar::s3 {

class Multipart : public std::enable_shared_from_this<Multipart> {
 public:
  // `client` outlives its calls. `done` once.
  static void Start(S3Client& client, const std::string& key, S3Client::Body object,
                    S3Client::Done done);

 private:
  Multipart(S3Client& client, const std::string& key, S3Client::Body object, S3Client::Done done);
  void Begin();
  void SendNext();
  void Complete();
  void GiveUp(Error error);

  S3Client& client_;
  std::string key_;
  S3Client::Body object_;
  S3Client::Done done_;
  std::string upload_id_;
  std::vector<std::string> etags_;
};

}  // namespace nightjar::s3
