#include "worker/lang/unicode.h"

#include <unicode/brkiter.h>
#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/utext.h>
#include <unicode/utf8.h>

#include <memory>

#include "ipc/core/check.h"
#include "ipc/core/utf8.h"

namespace nightjar::lang {
namespace {

const icu::Normalizer2& Nfc() {
  static const icu::Normalizer2* nfc = [] {
    UErrorCode status = U_ZERO_ERROR;
    const icu::Normalizer2* instance = icu::Normalizer2::getNFCInstance(status);
    CHECK(U_SUCCESS(status));
    return instance;
  }();
  return *nfc;
}

icu::BreakIterator& Breaks() {
  static std::unique_ptr<icu::BreakIterator> breaks = [] {
    UErrorCode status = U_ZERO_ERROR;
    std::unique_ptr<icu::BreakIterator> made(
        icu::BreakIterator::createCharacterInstance(icu::Locale::getRoot(), status));
    CHECK(U_SUCCESS(status));
    return made;
  }();
  return *breaks;
}

// Bytes that are not UTF-8 become U+FFFD, one for each that does not fit.
std::string Repaired(std::string_view text) {
  std::string whole;
  while (!text.empty()) {
    size_t good = Utf8PrefixSize(text, text.size());
    whole.append(text.substr(0, good));
    if (good == text.size()) break;
    whole.append("\xef\xbf\xbd");
    text.remove_prefix(good + 1);
  }
  return whole;
}

Dval Normalized(Arena& arena, std::string_view text, Tag tag) {
  UErrorCode status = U_ZERO_ERROR;
  icu::StringPiece piece(text.data(), static_cast<int32_t>(text.size()));
  if (Nfc().isNormalizedUTF8(piece, status)) return MakeTextual(arena, tag, text);
  std::string normal;
  icu::StringByteSink<std::string> sink(&normal, static_cast<int32_t>(text.size()));
  Nfc().normalizeUTF8(0, piece, sink, nullptr, status);
  CHECK(U_SUCCESS(status));
  return MakeTextual(arena, tag, normal);
}

}  // namespace

void WarmUnicode() {
  Arena arena;
  NormalString(arena, "e\xcc\x81");
  CountGraphemes("e\xcc\x81\xf0\x9f\x98\x84");
  ToUpper("\xc3\xa9");
  ToLower("\xc3\x89");
}

bool IsAscii(std::string_view text) {
  const char* at = text.data();
  const char* end = at + text.size();
  for (; end - at >= 8; at += 8) {
    uint64_t eight;
    memcpy(&eight, at, sizeof eight);
    if (eight & 0x8080808080808080) return false;
  }
  for (; at < end; ++at)
    if (static_cast<unsigned char>(*at) >= 0x80) return false;
  return true;
}

Dval NormalString(Arena& arena, std::string_view text, Tag tag) {
  if (IsAscii(text)) return MakeTextual(arena, tag, text);
  if (text.size() >= INT32_MAX / 2) throw std::bad_alloc();  // ICU counts with 32 bits
  if (Utf8PrefixSize(text, text.size()) < text.size())
    return Normalized(arena, Repaired(text), tag);
  return Normalized(arena, text, tag);
}

Dval JoinNormal(Arena& arena, const Dval& left, const Dval& right) {
  std::string_view more = right.view();
  if (more.empty()) return left;
  if (left.view().empty()) return right;
  // ASCII never joins what stands before it.
  if (static_cast<unsigned char>(more[0]) >= 0x80) {
    size_t at = 0;
    if (!Nfc().hasBoundaryBefore(static_cast<UChar32>(NextCodePoint(more, &at)))) {
      std::string whole(left.view());
      return NormalString(arena, whole.append(more));
    }
  }
  return AppendString(arena, left, more);
}

Graphemes::Graphemes(std::string_view text) : text_(text), ascii_(IsAscii(text)) {
  if (ascii_) return;
  if (text.size() >= INT32_MAX / 2) throw std::bad_alloc();
  UErrorCode status = U_ZERO_ERROR;
  UText wrapped = UTEXT_INITIALIZER;
  utext_openUTF8(&wrapped, text.data(), static_cast<int64_t>(text.size()), &status);
  Breaks().setText(&wrapped, status);  // keeps a clone of its own
  utext_close(&wrapped);
  CHECK(U_SUCCESS(status));
  Breaks().first();
}

Graphemes::~Graphemes() = default;

std::string_view Graphemes::Next() {
  if (at_ >= text_.size()) return {};
  size_t begin = at_;
  if (ascii_) {
    at_ += text_[at_] == '\r' && at_ + 1 < text_.size() && text_[at_ + 1] == '\n' ? 2 : 1;
  } else {
    int32_t next = Breaks().next();
    at_ = next == icu::BreakIterator::DONE ? text_.size() : static_cast<size_t>(next);
  }
  return text_.substr(begin, at_ - begin);
}

size_t CountGraphemes(std::string_view text) {
  size_t count = 0;
  for (Graphemes graphemes(text); !graphemes.Next().empty();) ++count;
  return count;
}

size_t GraphemeOffset(std::string_view text, size_t count) {
  Graphemes graphemes(text);
  size_t offset = 0;
  for (; count > 0; --count) {
    std::string_view next = graphemes.Next();
    if (next.empty()) break;
    offset += next.size();
  }
  return offset;
}

char32_t NextCodePoint(std::string_view text, size_t* at) {
  auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
  auto length = static_cast<int64_t>(text.size());
  auto i = static_cast<int64_t>(*at);
  UChar32 c;
  U8_NEXT_OR_FFFD(bytes, i, length, c);
  *at = static_cast<size_t>(i);
  return static_cast<char32_t>(c);
}

void AppendUtf8(char32_t code_point, std::string* text) {
  uint8_t bytes[4];
  int32_t size = 0;
  U8_APPEND_UNSAFE(bytes, size, static_cast<UChar32>(code_point));
  text->append(reinterpret_cast<char*>(bytes), static_cast<size_t>(size));
}

namespace {

// One character becomes one: what has no single other case stays as it is.
std::string MapEach(std::string_view text, UChar32 (*map)(UChar32)) {
  std::string mapped;
  mapped.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    auto c = map(static_cast<UChar32>(NextCodePoint(text, &at)));
    AppendUtf8(static_cast<char32_t>(c), &mapped);
  }
  return mapped;
}

}  // namespace

std::string ToUpper(std::string_view text) {
  return MapEach(text, [](UChar32 c) { return static_cast<UChar32>(u_toupper(c)); });
}

std::string ToLower(std::string_view text) {
  return MapEach(text, [](UChar32 c) { return static_cast<UChar32>(u_tolower(c)); });
}

}  // namespace nightjar::lang
