#include "policies/policy_version.h"

#include <nettle/base16.h>
#include <nettle/sha2.h>

#include <array>

namespace nightjar::policy {
namespace {

constexpr size_t kShownBytes = 6;

// With its length, so that no two lists of files look alike.
void Put(sha256_ctx* hash, std::string_view text) {
  std::string length = std::to_string(text.size()) + "\n";
  sha256_update(hash, length.size(), reinterpret_cast<const uint8_t*>(length.data()));
  sha256_update(hash, text.size(), reinterpret_cast<const uint8_t*>(text.data()));
}

}  // namespace

std::string VersionOf(std::span<const PolicyFile> files) {
  sha256_ctx hash;
  sha256_init(&hash);
  for (const PolicyFile& file : files) {
    Put(&hash, file.name);
    Put(&hash, file.text);
  }
  std::array<uint8_t, kShownBytes> digest{};
  sha256_digest(&hash, digest.size(), digest.data());
  std::string version(BASE16_ENCODE_LENGTH(kShownBytes), '\0');
  base16_encode_update(version.data(), digest.size(), digest.data());
  return version;
}

}  // namespace nightjar::policy
