#include "worker/lang/base64.h"
#include "worker/stdlib/library.h"

namespace nightjar::lang {
namespace {

template <uint32_t kVersion>
Dval Decode(const Call& call) {
  auto bytes = DecodeBase64(call[0].view());
  // The first version only knew what to say about spaces.
  bool spaces = call[0].view().find_first_of(" \t\r\n") != std::string_view::npos;
  if (!bytes && kVersion == 0 && !spaces) return call.Fault();
  if (!bytes) return call.ErrorResult("Not a valid base64 string");
  return MakeWrapped(call.arena, Tag::kOk, MakeTextual(call.arena, Tag::kBytes, *bytes));
}

Dval HexEncode(const Call& call) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string text;
  for (char c : call[0].view()) {
    text += kDigits[static_cast<unsigned char>(c) >> 4];
    text += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return call.String(text);
}

}  // namespace

void AddBytes(Tables& tables) {
  Module m(tables, "Bytes");
  m.Add("empty", 0, {}, kBytes,
        [](const Call& call) { return MakeTextual(call.arena, Tag::kBytes, ""); });
  m.Add("length", 0, {{"bytes", kBytes}}, kInt,
        [](const Call& call) { return Dval::Int(static_cast<int64_t>(call[0].view().size())); });
  m.Add("hexEncode", 0, {{"bytes", kBytes}}, kStr, HexEncode);
  m.Add("base64Encode", 0, {{"bytes", kBytes}}, kStr,
        [](const Call& call) { return call.String(UrlBase64(call[0].view(), Padding::kKept)); });
  m.Add("base64Decode", 0, {{"s", kStr}}, kResult, Decode<0>).Deprecated("Bytes.base64Decode_v1");
  m.Add("base64Decode", 1, {{"s", kStr}}, kResult, Decode<1>);
}

}  // namespace nightjar::lang
