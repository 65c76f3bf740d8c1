#include "worker/stdlib/digest.h"

#include <nettle/hmac.h>
#include <nettle/md5.h>
#include <nettle/sha2.h>

namespace nightjar::lang {
namespace {

const uint8_t* Bytes(std::string_view text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}
uint8_t* Bytes(std::string& text) {
  return reinterpret_cast<uint8_t*>(text.data());
}

}  // namespace

std::string Md5(std::string_view data) {
  std::string digest(MD5_DIGEST_SIZE, '\0');
  md5_ctx context;
  md5_init(&context);
  md5_update(&context, data.size(), Bytes(data));
  md5_digest(&context, digest.size(), Bytes(digest));
  return digest;
}

std::string Sha256(std::string_view data) {
  std::string digest(SHA256_DIGEST_SIZE, '\0');
  sha256_ctx context;
  sha256_init(&context);
  sha256_update(&context, data.size(), Bytes(data));
  sha256_digest(&context, digest.size(), Bytes(digest));
  return digest;
}

std::string Sha384(std::string_view data) {
  std::string digest(SHA384_DIGEST_SIZE, '\0');
  sha384_ctx context;
  sha384_init(&context);
  sha384_update(&context, data.size(), Bytes(data));
  sha384_digest(&context, digest.size(), Bytes(digest));
  return digest;
}

std::string HmacSha1(std::string_view key, std::string_view data) {
  std::string digest(SHA1_DIGEST_SIZE, '\0');
  hmac_sha1_ctx context;
  hmac_sha1_set_key(&context, key.size(), Bytes(key));
  hmac_sha1_update(&context, data.size(), Bytes(data));
  hmac_sha1_digest(&context, digest.size(), Bytes(digest));
  return digest;
}

std::string HmacSha256(std::string_view key, std::string_view data) {
  std::string digest(SHA256_DIGEST_SIZE, '\0');
  hmac_sha256_ctx context;
  hmac_sha256_set_key(&context, key.size(), Bytes(key));
  hmac_sha256_update(&context, data.size(), Bytes(data));
  hmac_sha256_digest(&context, digest.size(), Bytes(digest));
  return digest;
}

}  // namespace nightjar::lang
