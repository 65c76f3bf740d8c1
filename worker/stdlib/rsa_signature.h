// RSA signatures of SHA-256 digests, PKCS #1 version 1.5: what JSON Web Tokens call RS256.
//
// Keys come as text in PEM: PKCS #1 and PKCS #8 private keys, PKCS #1 and SubjectPublicKeyInfo
// public ones. Signing is blinded with randomness of its own, and its result is the same each time.
// Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace nightjar::lang {

// Nothing: this is no private key.
std::optional<std::string> SignRs256(std::string_view pem, std::string_view text);

enum class Verified { kYes, kNo, kNoKey };
Verified VerifyRs256(std::string_view pem, std::string_view text, std::string_view signature);

}  // namespace nightjar::lang
