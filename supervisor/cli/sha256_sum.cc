#include "supervisor/cli/sha256_sum.h"

#include <nettle/base16.h>

namespace nightjar::cli {

std::string Sha256Sum::Take() {
  uint8_t hash[SHA256_DIGEST_SIZE];
  sha256_digest(&state_, sizeof hash, hash);
  std::string text(BASE16_ENCODE_LENGTH(sizeof hash), '\0');
  base16_encode_update(text.data(), sizeof hash, hash);
  return text;
}

}  // namespace nightjar::cli
