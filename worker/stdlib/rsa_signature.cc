#include "worker/stdlib/rsa_signature.h"

#include <nettle/bignum.h>
#include <nettle/rsa.h>
#include <nettle/sha2.h>
#include <sys/random.h>

#include "ipc/core/check.h"
#include "worker/stdlib/der.h"
#include "worker/stdlib/pem.h"

namespace nightjar::lang {
namespace {

// Larger keys are nobody's, and cost more than a run should.
constexpr unsigned kModulusBits = 16 * 1024;

const uint8_t* Bytes(std::string_view text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}

struct Keys {
  Keys() {
    rsa_public_key_init(&open);
    rsa_private_key_init(&secret);
  }
  ~Keys() {
    rsa_public_key_clear(&open);
    rsa_private_key_clear(&secret);
  }
  Keys(const Keys&) = delete;
  Keys& operator=(const Keys&) = delete;

  rsa_public_key open;
  rsa_private_key secret;
};

class Number {
 public:
  Number() { mpz_init(value_); }
  ~Number() { mpz_clear(value_); }
  Number(const Number&) = delete;
  Number& operator=(const Number&) = delete;
  mpz_ptr get() { return value_; }

 private:
  mpz_t value_;
};

// What PKCS #8 (RFC 5208) wraps around a PKCS #1 key.
std::optional<std::string_view> InsidePkcs8(std::string_view der) {
  auto sequence = DerReader(der).Next(der::kSequence);
  if (!sequence) return std::nullopt;
  DerReader fields(*sequence);
  if (!fields.Next(der::kInteger) || !fields.Next(der::kSequence)) return std::nullopt;
  return fields.Next(der::kOctetString);
}

// What a SubjectPublicKeyInfo (RFC 5280) wraps around one.
std::optional<std::string_view> InsideSpki(std::string_view der) {
  auto sequence = DerReader(der).Next(der::kSequence);
  if (!sequence) return std::nullopt;
  DerReader fields(*sequence);
  if (!fields.Next(der::kSequence)) return std::nullopt;
  auto bits = fields.Next(der::kBitString);
  if (!bits || bits->empty() || bits->front() != 0) return std::nullopt;  // no unused bits
  return bits->substr(1);
}

bool ReadPrivate(std::string_view pkcs1, Keys* keys) {
  return rsa_keypair_from_der(&keys->open, &keys->secret, kModulusBits, pkcs1.size(),
                              Bytes(pkcs1)) == 1;
}

bool ReadPrivateKey(std::string_view pem, Keys* keys) {
  if (auto pkcs1 = FromPem(pem, "RSA PRIVATE KEY")) return ReadPrivate(*pkcs1, keys);
  auto pkcs8 = FromPem(pem, "PRIVATE KEY");
  auto inside = pkcs8 ? InsidePkcs8(*pkcs8) : std::nullopt;
  return inside && ReadPrivate(*inside, keys);
}

bool ReadPublic(std::string_view pkcs1, Keys* keys) {
  return rsa_keypair_from_der(&keys->open, nullptr, kModulusBits, pkcs1.size(), Bytes(pkcs1)) == 1;
}

bool ReadPublicKey(std::string_view pem, Keys* keys) {
  if (auto pkcs1 = FromPem(pem, "RSA PUBLIC KEY")) return ReadPublic(*pkcs1, keys);
  if (auto spki = FromPem(pem, "PUBLIC KEY")) {
    auto inside = InsideSpki(*spki);
    return inside && ReadPublic(*inside, keys);
  }
  return ReadPrivateKey(pem, keys);  // a private key has its public half in it
}

sha256_ctx Hashed(std::string_view text) {
  sha256_ctx hash;
  sha256_init(&hash);
  sha256_update(&hash, text.size(), Bytes(text));
  return hash;
}

void Random(void*, size_t size, uint8_t* bytes) {
  while (size > 0) {
    size_t some = size < 256 ? size : 256;  // up to 256 are never cut short
    CHECK(getrandom(bytes, some, 0) == static_cast<ssize_t>(some));
    bytes += some;
    size -= some;
  }
}

}  // namespace

std::optional<std::string> SignRs256(std::string_view pem, std::string_view text) {
  Keys keys;
  if (!ReadPrivateKey(pem, &keys)) return std::nullopt;
  sha256_ctx hash = Hashed(text);
  Number number;
  if (rsa_sha256_sign_tr(&keys.open, &keys.secret, nullptr, Random, &hash, number.get()) != 1)
    return std::nullopt;
  std::string signature(keys.open.size, '\0');
  nettle_mpz_get_str_256(signature.size(), reinterpret_cast<uint8_t*>(signature.data()),
                         number.get());
  return signature;
}

Verified VerifyRs256(std::string_view pem, std::string_view text, std::string_view signature) {
  Keys keys;
  if (!ReadPublicKey(pem, &keys)) return Verified::kNoKey;
  if (signature.size() != keys.open.size) return Verified::kNo;
  sha256_ctx hash = Hashed(text);
  Number number;
  nettle_mpz_set_str_256_u(number.get(), signature.size(), Bytes(signature));
  return rsa_sha256_verify(&keys.open, &hash, number.get()) == 1 ? Verified::kYes : Verified::kNo;
}

}  // namespace nightjar::lang
