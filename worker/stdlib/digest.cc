#include "worker/stdlib/digest.h"

#include <nettle/hmac.h>
#include <nettle/nettle-meta.h>

#include <vector>

namespace nightjar::lang {
namespace {

const uint8_t* Bytes(std::string_view text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}
uint8_t* Bytes(std::string& text) {
  return reinterpret_cast<uint8_t*>(text.data());
}

// A hash's state, which only nettle looks into.
class State {
 public:
  explicit State(const nettle_hash& hash) : words_(hash.context_size / sizeof(uint64_t) + 1) {}
  void* get() { return words_.data(); }

 private:
  std::vector<uint64_t> words_;
};

std::string Digest(const nettle_hash& hash, std::string_view data) {
  State state(hash);
  hash.init(state.get());
  hash.update(state.get(), data.size(), Bytes(data));
  std::string digest(hash.digest_size, '\0');
  hash.digest(state.get(), digest.size(), Bytes(digest));
  return digest;
}

std::string Hmac(const nettle_hash& hash, std::string_view key, std::string_view data) {
  State outer(hash), inner(hash), state(hash);
  hmac_set_key(outer.get(), inner.get(), state.get(), &hash, key.size(), Bytes(key));
  hmac_update(state.get(), &hash, data.size(), Bytes(data));
  std::string digest(hash.digest_size, '\0');
  hmac_digest(outer.get(), inner.get(), state.get(), &hash, digest.size(), Bytes(digest));
  return digest;
}

}  // namespace

std::string Md5(std::string_view data) {
  return Digest(nettle_md5, data);
}
std::string Sha256(std::string_view data) {
  return Digest(nettle_sha256, data);
}
std::string Sha384(std::string_view data) {
  return Digest(nettle_sha384, data);
}
std::string HmacSha1(std::string_view key, std::string_view data) {
  return Hmac(nettle_sha1, key, data);
}
std::string HmacSha256(std::string_view key, std::string_view data) {
  return Hmac(nettle_sha256, key, data);
}

}  // namespace nightjar::lang
