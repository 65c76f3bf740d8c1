#include "supervisor/writer/sha256.h"

#include <nettle/base16.h>
#include <nettle/sha2.h>

namespace nightjar {

static_assert(kSha256Bytes == SHA256_DIGEST_SIZE);

std::string Sha256(std::initializer_list<std::string_view> parts) {
  sha256_ctx state;
  sha256_init(&state);
  for (std::string_view part : parts)
    sha256_update(&state, part.size(), reinterpret_cast<const uint8_t*>(part.data()));
  std::string hash(kSha256Bytes, '\0');
  sha256_digest(&state, hash.size(), reinterpret_cast<uint8_t*>(hash.data()));
  return hash;
}

std::string HashText(std::string_view hash) {
  std::string text(BASE16_ENCODE_LENGTH(hash.size()), '\0');
  base16_encode_update(text.data(), hash.size(), reinterpret_cast<const uint8_t*>(hash.data()));
  return text;
}

}  // namespace nightjar
