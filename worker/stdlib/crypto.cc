#include "worker/stdlib/digest.h"
#include "worker/stdlib/library.h"

namespace nightjar::lang {
namespace {

template <std::string (*kDigest)(std::string_view)>
Dval Digest(const Call& call) {
  return MakeTextual(call.arena, Tag::kBytes, kDigest(call[0].view()));
}

template <std::string (*kCode)(std::string_view, std::string_view)>
Dval Code(const Call& call) {
  return MakeTextual(call.arena, Tag::kBytes, kCode(call[0].view(), call[1].view()));
}

}  // namespace

void AddCrypto(Tables& tables) {
  Module m(tables, "Crypto");
  m.Add("md5", 0, {{"data", kBytes}}, kBytes, Digest<Md5>);
  m.Add("sha256", 0, {{"data", kBytes}}, kBytes, Digest<Sha256>);
  m.Add("sha384", 0, {{"data", kBytes}}, kBytes, Digest<Sha384>);
  m.Add("sha1hmac", 0, {{"key", kBytes}, {"data", kBytes}}, kBytes, Code<HmacSha1>);
  m.Add("sha256hmac", 0, {{"key", kBytes}, {"data", kBytes}}, kBytes, Code<HmacSha256>);
}

}  // namespace nightjar::lang
