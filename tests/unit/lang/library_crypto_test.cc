// Digests, signatures, certificates and passwords, against published answers and real keys.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/lang/engine_rig.h"
#include "tests/unit/lang/test_keys.h"
#include "worker/stdlib/der.h"
#include "worker/stdlib/rsa_signature.h"

namespace nightjar::lang {
namespace {

using nightjar::testing::EngineRig;
using namespace testing;

class CryptoTest : public ::testing::Test {
 protected:
  std::string Eval(const std::string& expression) { return rig_.Eval(expression); }
  bool True(const std::string& expression) { return Eval(expression) == "true"; }

  // A key as a string literal of the language.
  static std::string Literal(std::string text) {
    std::string literal = "\"";
    for (char c : text) literal += c == '\n' ? "\\n" : std::string(1, c);
    return literal + "\"";
  }

  EngineRig rig_;
};

TEST_F(CryptoTest, DigestsAsTheirStandardsSay) {
  auto hex = [&](const std::string& call) { return Eval("Bytes.hexEncode (" + call + ")"); };
  // RFC 1321, FIPS 180-4
  EXPECT_EQ(hex("Crypto.md5 (String.toBytes \"abc\")"), "\"900150983CD24FB0D6963F7D28E17F72\"");
  EXPECT_EQ(hex("Crypto.sha256 (String.toBytes \"abc\")"),
            "\"BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD\"");
  EXPECT_EQ(hex("Crypto.sha384 (String.toBytes \"abc\")"),
            "\"CB00753F45A35E8BB5A03D699AC65007272C32AB0EDED1631A8B605A43FF5BED"
            "8086072BA1E7CC2358BAECA134C825A7\"");
  // RFC 4231, case 2, and RFC 2202, case 2
  std::string jefe = "(String.toBytes \"Jefe\") (String.toBytes \"what do ya want for nothing?\")";
  EXPECT_EQ(hex("Crypto.sha256hmac " + jefe),
            "\"5BDCC146BF60754E6A042426089575C75A003F089D2739839DEC58B964EC3843\"");
  EXPECT_EQ(hex("Crypto.sha1hmac " + jefe), "\"EFFCDF6AE5EB2FA2D27416D5F184DF9C259A7C79\"");
}

TEST_F(CryptoTest, SignsTokensThatAnyFormOfTheKeyVerifies) {
  for (const char* secret : {kRsaPrivate, kRsaPrivate8})
    for (const char* open : {kRsaPublic, kRsaPublic1, kRsaPrivate})
      EXPECT_TRUE(True("(match JWT.signAndEncode_v1 " + Literal(secret) +
                       " { a = 1 } with | Ok token -> (match JWT.verifyAndExtract_v1 " +
                       Literal(open) + " token with | Ok parts -> parts.payload == { a = 1 } | " +
                       "Error e -> e) | Error e -> e)"))
          << secret << open;
}

TEST_F(CryptoTest, RefusesTokensThatWereTouched) {
  Verified verified = VerifyRs256(kRsaPublic, "text", *SignRs256(kRsaPrivate, "text"));
  EXPECT_EQ(verified, Verified::kYes);
  std::string signature = *SignRs256(kRsaPrivate, "text");
  EXPECT_EQ(VerifyRs256(kRsaPublic, "texts", signature), Verified::kNo);
  signature[0] = static_cast<char>(signature[0] ^ 1);
  EXPECT_EQ(VerifyRs256(kRsaPublic, "text", signature), Verified::kNo);
  EXPECT_EQ(VerifyRs256(kRsaPublic, "text", ""), Verified::kNo);
  EXPECT_EQ(VerifyRs256(kEcPublic, "text", signature), Verified::kNoKey);
  EXPECT_EQ(Eval("JWT.verifyAndExtract_v1 " + Literal(kRsaPublic) + " \"a.b\""),
            "{\n  \"Error\": \"Invalid token format\"\n}");
  EXPECT_EQ(Eval("JWT.verifyAndExtract_v1 " + Literal(kRsaPublic) + " \"a.b.c\""),
            "{\n  \"Error\": \"Unable to base64-decode signature\"\n}");
  EXPECT_EQ(Eval("JWT.verifyAndExtract_v1 " + Literal(kRsaPublic) + " \"a.b.cccc\""),
            "{\n  \"Error\": \"Unable to verify signature\"\n}");
  EXPECT_EQ(Eval("JWT.verifyAndExtract_v1 \"no key\" \"a.b.c\""),
            "{\n  \"Error\": \"Invalid public key\"\n}");
  EXPECT_EQ(Eval("JWT.verifyAndExtract_v0 " + Literal(kRsaPublic) + " \"a.b.c\""), "null");
}

TEST_F(CryptoTest, SaysThatAKeyIsNone) {
  EXPECT_THAT(Eval("JWT.signAndEncode_v1 \"no key\" 1"),
              ::testing::HasSubstr("No supported key formats were found."));
  EXPECT_EQ(rig_.ErrorOf("JWT.signAndEncode_v0 \"no key\" 1"), "Unknown error");
  EXPECT_FALSE(SignRs256("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", "x"));
  EXPECT_FALSE(SignRs256(kRsaPublic, "x"));
}

TEST_F(CryptoTest, TakesPublicKeysOutOfCertificates) {
  EXPECT_TRUE(True("X509.pemCertificatePublicKey " + Literal(kRsaCertificate) + " == Ok " +
                   Literal(kRsaPublic)));
  EXPECT_TRUE(True("X509.pemCertificatePublicKey " + Literal(kEcCertificate) + " == Ok " +
                   Literal(kEcPublic)));
  for (const char* other : {kEdCertificate, kRsaPublic, ""})
    EXPECT_TRUE(
        True("X509.pemCertificatePublicKey " + Literal(other) + " == Error \"No certificates\""))
        << other;
}

TEST_F(CryptoTest, ChecksPasswordsAndNeverShowsThem) {
  EXPECT_TRUE(True("Password.check (Password.hash \"secret\") \"secret\""));
  EXPECT_EQ(Eval("Password.check (Password.hash \"secret\") \"Secret\""), "false");
  EXPECT_TRUE(True("Password.hash \"secret\" != Password.hash \"secret\""));
  EXPECT_EQ(Eval("Password.hash \"secret\"").find("argon"), std::string::npos);
  EXPECT_EQ(Eval("Object.toJSON_v0 { p = Password.hash \"secret\" }").find("argon"),
            std::string::npos);
}

TEST(DerReaderTest, NeverReadsBeyondWhatIsThere) {
  const std::string whole("\x30\x06\x02\x01\x07\x04\x01x", 8);
  for (size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(DerReader(std::string_view(whole).substr(0, size)).Next()) << size;
  DerReader inside(*DerReader(whole).Next(der::kSequence));
  EXPECT_EQ(*inside.Next(der::kInteger), "\x07");
  EXPECT_EQ(*inside.Next(der::kOctetString), "x");
  EXPECT_TRUE(inside.at_end());
  for (std::string hostile :
       {std::string("\x30\x84\xff\xff\xff\xff", 6), std::string("\x30\x80", 2),
        std::string("\x30\x85\x01\x01\x01\x01\x01", 7), std::string("\x30\x81\x05xxxxx", 8),
        std::string("\x1f\x01\x00", 3)})
    EXPECT_FALSE(DerReader(hostile).Next());
}

}  // namespace
}  // namespace nightjar::lang
