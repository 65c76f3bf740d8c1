#include "supervisor/writer/s3/digest.h"

#include <nettle/base64.h>
#include <nettle/hmac.h>
#include <nettle/md5.h>

namespace nightjar::s3 {
namespace {

const uint8_t* Bytes(std::string_view text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}

}  // namespace

std::string HmacSha256(std::string_view key, std::string_view text) {
  hmac_sha256_ctx state;
  hmac_sha256_set_key(&state, key.size(), Bytes(key));
  hmac_sha256_update(&state, text.size(), Bytes(text));
  std::string digest(SHA256_DIGEST_SIZE, '\0');
  hmac_sha256_digest(&state, digest.size(), reinterpret_cast<uint8_t*>(digest.data()));
  return digest;
}

std::string Md5Base64(std::string_view text) {
  md5_ctx state;
  md5_init(&state);
  md5_update(&state, text.size(), Bytes(text));
  uint8_t digest[MD5_DIGEST_SIZE];
  md5_digest(&state, sizeof digest, digest);
  std::string encoded(BASE64_ENCODE_RAW_LENGTH(sizeof digest), '\0');
  base64_encode_raw(encoded.data(), sizeof digest, digest);
  return encoded;
}

}  // namespace nightjar::s3
