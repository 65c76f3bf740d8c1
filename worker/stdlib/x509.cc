#include "worker/stdlib/der.h"
#include "worker/stdlib/library.h"
#include "worker/stdlib/pem.h"

namespace nightjar::lang {
namespace {

// Of the kinds of keys that there have always been functions for: RSA, DSA, EC.
constexpr std::string_view kRsa = "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01";
constexpr std::string_view kDsa = "\x2a\x86\x48\xce\x38\x04\x01";
constexpr std::string_view kEc = "\x2a\x86\x48\xce\x3d\x02\x01";

// The SubjectPublicKeyInfo in a certificate (RFC 5280 4.1), as it is encoded there.
std::optional<std::string_view> PublicKeyIn(std::string_view der) {
  DerReader outside(der);
  auto certificate = outside.Next(der::kSequence);
  if (!certificate || !outside.at_end()) return std::nullopt;
  DerReader parts(*certificate);
  auto signed_part = parts.Next(der::kSequence);
  if (!signed_part || !parts.Next(der::kSequence) || !parts.Next(der::kBitString))
    return std::nullopt;
  DerReader fields(*signed_part);
  auto first = fields.Next();
  // The version goes without saying in the oldest.
  if (first && first->tag == der::kVersion) first = fields.Next();
  if (!first || first->tag != der::kInteger) return std::nullopt;
  // signature, issuer, validity, subject
  for (int i = 0; i < 4; ++i)
    if (!fields.Next(der::kSequence)) return std::nullopt;
  auto key = fields.Next();
  if (!key || key->tag != der::kSequence) return std::nullopt;
  DerReader inside(key->content);
  auto algorithm = inside.Next(der::kSequence);
  if (!algorithm || !inside.Next(der::kBitString)) return std::nullopt;
  auto oid = DerReader(*algorithm).Next(der::kOid);
  if (!oid || (*oid != kRsa && *oid != kDsa && *oid != kEc)) return std::nullopt;
  return key->whole;
}

Dval PemCertificatePublicKey(const Call& call) {
  auto der = FromPem(call[0].view(), "CERTIFICATE");
  auto key = der ? PublicKeyIn(*der) : std::nullopt;
  return key ? call.Ok(ToPem(*key, "PUBLIC KEY")) : call.ErrorResult("No certificates");
}

}  // namespace

void AddX509(Tables& tables) {
  Module m(tables, "X509");
  m.Add("pemCertificatePublicKey", 0, {{"pemCert", kStr}}, kResult, PemCertificatePublicKey);
}

}  // namespace nightjar::lang
