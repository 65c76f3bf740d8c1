// JSON Web Tokens (RFC 7519) with the one algorithm that there ever was here: RS256.
#include "worker/lang/json_reader.h"
#include "worker/lang/base64.h"
#include "worker/stdlib/compact_json.h"
#include "worker/stdlib/library.h"
#include "worker/stdlib/rsa_signature.h"

namespace nightjar::lang {
namespace {

constexpr std::string_view kNoKey =
    "No supported key formats were found. Check that the input represents the contents of a "
    "PEM-encoded key file, not the path to such a file.";

std::optional<std::string> Token(const Call& call, const ObjectNode* headers, const Dval& payload) {
  auto set = [&](std::string_view name, std::string_view value) {
    headers =
        ObjectSet(call.arena, headers, MakeText(call.arena, name), MakeString(call.arena, value));
  };
  set("alg", "RS256");
  set("type", "JWT");
  std::string body = UrlBase64(CompactJson(Dval::Object(headers)), Padding::kNone) + "." +
                     UrlBase64(CompactJson(payload), Padding::kNone);
  auto signature = SignRs256(call[0].view(), body);
  if (!signature) return std::nullopt;
  return body + "." + UrlBase64(*signature, Padding::kNone);
}

template <uint32_t kVersion, bool kHeaders>
Dval Sign(const Call& call) {
  auto token = Token(call, kHeaders ? call[1].object : nullptr, call[kHeaders ? 2 : 1]);
  if (kVersion == 0) return token ? call.String(*token) : call.Fault();
  return token ? call.Ok(*token) : call.ErrorResult(std::string(kNoKey) + " (Parameter 'input')");
}

// A token that is sound: its header and payload as text. Else what is wrong with it.
struct Extracted {
  std::string header;
  std::string payload;
  std::string_view problem;
};

Extracted Extract(std::string_view pem, std::string_view token) {
  Extracted parts;
  size_t first = token.find('.');
  size_t second = first == std::string_view::npos ? first : token.find('.', first + 1);
  bool three =
      second != std::string_view::npos && token.find('.', second + 1) == std::string_view::npos;
  // The key is looked at first, whatever the token is.
  if (VerifyRs256(pem, "", "") == Verified::kNoKey) {
    parts.problem = "Invalid public key";
  } else if (!three) {
    parts.problem = "Invalid token format";
  } else if (auto signature = DecodeBase64(token.substr(second + 1)); !signature) {
    parts.problem = "Unable to base64-decode signature";
  } else if (VerifyRs256(pem, token.substr(0, second), *signature) != Verified::kYes) {
    parts.problem = "Unable to verify signature";
  } else {
    auto header = DecodeBase64(token.substr(0, first));
    auto payload = DecodeBase64(token.substr(first + 1, second - first - 1));
    // The words stand the wrong way round in every version that there was.
    if (!header) parts.problem = "Unable to base64-decode payload";
    if (header && !payload) parts.problem = "Unable to base64-decode header";
    if (header && payload) parts = {std::move(*header), std::move(*payload), ""};
  }
  return parts;
}

template <uint32_t kVersion>
Dval Verify(const Call& call) {
  Extracted parts = Extract(call[0].view(), call[1].view());
  if (!parts.problem.empty()) {
    if (kVersion == 1) return call.ErrorResult(parts.problem);
    return parts.problem == "Invalid public key" ? call.Error(kNoKey) : Dval::Nothing();
  }
  const ObjectNode* both = nullptr;
  for (const auto& [name, text] :
       {std::pair("header", &parts.header), {"payload", &parts.payload}}) {
    Dval value;
    std::string error;
    if (!ReadJson(call.arena, *text, JsonComments::kSkipped, &value, &error,
                  JsonNumbers::kNonFiniteToo))
      return call.Error(error);
    both = ObjectSet(call.arena, both, MakeText(call.arena, name), value);
  }
  return MakeWrapped(call.arena, kVersion == 0 ? Tag::kJust : Tag::kOk, Dval::Object(both));
}

}  // namespace

void AddJwt(Tables& tables) {
  Module m(tables, "JWT");
  m.Add("signAndEncode", 0, {{"pemPrivKey", kStr}, {"payload", kAny}}, kStr, Sign<0, false>)
      .Deprecated("JWT.signAndEncode_v1");
  m.Add("signAndEncode", 1, {{"pemPrivKey", kStr}, {"payload", kAny}}, kResult, Sign<1, false>);
  m.Add("signAndEncodeWithHeaders", 0,
        {{"pemPrivKey", kStr}, {"headers", kDict}, {"payload", kAny}}, kStr, Sign<0, true>)
      .Deprecated("JWT.signAndEncodeWithHeaders_v1");
  m.Add("signAndEncodeWithHeaders", 1,
        {{"pemPrivKey", kStr}, {"headers", kDict}, {"payload", kAny}}, kResult, Sign<1, true>);
  m.Add("verifyAndExtract", 0, {{"pemPubKey", kStr}, {"token", kStr}}, kOption, Verify<0>)
      .Deprecated("JWT.verifyAndExtract_v1");
  m.Add("verifyAndExtract", 1, {{"pemPubKey", kStr}, {"token", kStr}}, kResult, Verify<1>);
}

}  // namespace nightjar::lang
