// The part of String that reads and writes text as something else.
#include <unicode/uchar.h>

#include "worker/lang/numbers.h"
#include "worker/lang/unicode.h"
#include "worker/lang/base64.h"
#include "worker/stdlib/digest.h"
#include "worker/stdlib/library.h"
#include "worker/stdlib/random.h"
#include "worker/stdlib/uuid.h"

namespace nightjar::lang {
namespace {

constexpr int64_t kRandomTextMax = int64_t{1} << 40;
constexpr std::string_view kNegativeLength = "l should be a positive integer";

// Integers had 63 bits when these functions were made.
std::optional<int64_t> ParseOldInt(std::string_view text) {
  constexpr int64_t kMax = (int64_t{1} << 62) - 1;
  auto value = ParseInt(text);
  if (value && (*value > kMax || *value < -kMax - 1)) return std::nullopt;
  return value;
}

Dval ToIntV0(const Call& call) {
  auto value = ParseOldInt(call[0].view());
  return value ? Dval::Int(*value) : call.ArgumentError(0, "numeric");
}

Dval ToInt(const Call& call) {
  if (auto value = ParseOldInt(call[0].view()))
    return MakeWrapped(call.arena, Tag::kOk, Dval::Int(*value));
  return call.ErrorResult("Expected to parse string with only numbers, instead got \"" +
                          std::string(call[0].view()) + "\"");
}

Dval ToFloatV0(const Call& call) {
  auto value = ParseFloat(call[0].view());
  return value ? Dval::Float(*value)
               : call.ArgumentError(0, "a string representation of an IEEE float");
}

Dval ToFloat(const Call& call) {
  if (auto value = ParseFloat(call[0].view()))
    return MakeWrapped(call.arena, Tag::kOk, Dval::Float(*value));
  return call.ErrorResult("Expected a string representation of an IEEE float");
}

Dval ToUuidV0(const Call& call) {
  std::string bytes = ParseUuid(call[0].view());
  return bytes.empty() ? call.Error(kUuidForm) : MakeTextual(call.arena, Tag::kUuid, bytes);
}

Dval HtmlEscape(const Call& call) {
  std::string escaped;
  for (char c : call[0].view()) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#x27;";
        break;
      default:
        escaped += c;
    }
  }
  return call.String(escaped);
}

// What a version of slugify keeps besides letters and digits, and what becomes a hyphen besides
// spaces.
struct Slug {
  std::string_view kept;
  std::string_view gaps;
};
constexpr Slug kFirstSlug{"$*+_~.()'\"!:@", "-"};
constexpr Slug kSlug{"", "-_"};

bool IsKept(char32_t c, const Slug& slug) {
  if (c >= 0x80) return false;
  auto ascii = static_cast<char>(c);
  bool word = (ascii >= 'a' && ascii <= 'z') || (ascii >= 'A' && ascii <= 'Z') ||
              (ascii >= '0' && ascii <= '9');
  return word || slug.kept.find(ascii) != std::string_view::npos;
}

bool IsSlugSpace(char32_t c) {
  return c != '\v' && u_isUWhiteSpace(static_cast<UChar32>(c));
}
bool IsSlugGap(char32_t c, const Slug& slug) {
  return c < 0x80 && slug.gaps.find(static_cast<char>(c)) != std::string_view::npos;
}

// One hyphen for each run of gaps; none for spaces at the begin and the end, once all else that is
// not kept is away.
std::string Slugified(std::string_view text, const Slug& slug) {
  std::string result;
  bool gap = false;
  bool spaces = false;
  for (size_t at = 0; at < text.size();) {
    char32_t c = NextCodePoint(text, &at);
    if (IsSlugSpace(c)) {
      spaces = true;
    } else if (IsSlugGap(c, slug)) {
      gap = true;
    } else if (IsKept(c, slug)) {
      if (gap || (spaces && !result.empty())) result += '-';
      gap = spaces = false;
      result += static_cast<char>(c);
    }
  }
  if (gap) result += '-';
  return ToLower(result);
}

template <std::string (*kDigest)(std::string_view)>
Dval Digest(const Call& call) {
  return call.String(UrlBase64(kDigest(call[0].view()), Padding::kKept));
}

Dval Base64Decoded(const Call& call) {
  auto bytes = DecodeBase64(call[0].view());
  return bytes ? call.String(*bytes) : call.Error("Not a valid base64 string");
}

Dval RandomV0(const Call& call) {
  int64_t length = call[0].integer;
  if (length < 0) return call.Error(kNegativeLength);
  if (length > kRandomTextMax) throw std::bad_alloc();
  return call.String(RandomText(static_cast<size_t>(length)));
}

template <uint32_t kVersion>
Dval Random(const Call& call) {
  int64_t length = call[0].integer;
  if (length < 0 && kVersion == 1) return call.ErrorResult(kNegativeLength);
  if (length < 0)
    return call.ErrorResult("Expected the argument `length` to be positive, but it was `" +
                            std::to_string(length) + "`");
  if (length > kRandomTextMax) throw std::bad_alloc();
  return call.Ok(RandomText(static_cast<size_t>(length)));
}

}  // namespace

void AddStringTexts(Tables& tables) {
  Module m(tables, "String");
  m.Add("toInt", 0, {{"s", kStr}}, kInt, ToIntV0).Deprecated("String.toInt_v1");
  m.Add("toInt", 1, {{"s", kStr}}, kResult, ToInt).Deprecated("Int.parse_v0");
  m.Add("toFloat", 0, {{"s", kStr}}, kFloat, ToFloatV0).Deprecated("String.toFloat_v1");
  m.Add("toFloat", 1, {{"s", kStr}}, kResult, ToFloat).Deprecated("Float.parse_v0");
  m.Add("toUUID", 0, {{"uuid", kStr}}, kUuid, ToUuidV0).Deprecated("String.toUUID_v1");
  m.Add("toUUID", 1, {{"uuid", kStr}}, kResult, UuidResult);
  m.Add("toBytes", 0, {{"str", kStr}}, kBytes,
        [](const Call& call) { return ShareString(call.arena, call[0].view(), Tag::kBytes); });
  m.Add("htmlEscape", 0, {{"html", kStr}}, kStr, HtmlEscape);
  m.Add("slugify", 0, {{"string", kStr}}, kStr, [](const Call& call) {
     return call.String(Slugified(call[0].view(), kFirstSlug));
   }).Deprecated("String.slugify_v1");
  m.Add("slugify", 1, {{"string", kStr}}, kStr, [](const Call& call) {
     return call.String(Slugified(call[0].view(), kSlug));
   }).Deprecated("String.slugify_v2");
  m.Add("slugify", 2, {{"string", kStr}}, kStr,
        [](const Call& call) { return call.String(Slugified(ToLower(call[0].view()), kSlug)); });
  m.Add("base64Encode", 0, {{"s", kStr}}, kStr,
        [](const Call& call) { return call.String(UrlBase64(call[0].view(), Padding::kNone)); });
  m.Add("base64Decode", 0, {{"s", kStr}}, kStr, Base64Decoded);
  m.Add("digest", 0, {{"s", kStr}}, kStr, Digest<Sha384>);
  m.Add("sha384", 0, {{"s", kStr}}, kStr, Digest<Sha384>).Deprecated("Crypto.sha384_v0");
  m.Add("sha256", 0, {{"s", kStr}}, kStr, Digest<Sha256>).Deprecated("Crypto.sha256_v0");
  m.Add("random", 0, {{"length", kInt}}, kStr, RandomV0).Impure().Deprecated("String.random_v1");
  m.Add("random", 1, {{"length", kInt}}, kResult, Random<1>)
      .Impure()
      .Deprecated("String.random_v2");
  m.Add("random", 2, {{"length", kInt}}, kResult, Random<2>).Impure();
}

}  // namespace nightjar::lang
