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

std::optional<std::string> HashOfText(std::string_view text) {
  if (text.size() != BASE16_ENCODE_LENGTH(kSha256Bytes)) return std::nullopt;
  base16_decode_ctx state;
  base16_decode_init(&state);
  std::string hash(BASE16_DECODE_LENGTH(text.size()), '\0');
  size_t size = hash.size();
  bool good = base16_decode_update(&state, &size, reinterpret_cast<uint8_t*>(hash.data()),
                                   text.size(), text.data()) == 1 &&
              base16_decode_final(&state) == 1 && size == kSha256Bytes;
  hash.resize(kSha256Bytes);
  return good ? std::optional(hash) : std::nullopt;
}

}  // namespace nightjar
