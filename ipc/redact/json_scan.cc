#include "ipc/redact/json_scan.h"

#include <algorithm>
#include <utility>

#include "ipc/core/ascii.h"
#include "ipc/core/bounds.h"

namespace nightjar {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";
constexpr std::string_view kWordEnds = " \t\r\n,:[]{}\"/";

void AppendUtf8(uint32_t point, std::string* out) {
  auto put = [out](uint32_t byte) { *out += static_cast<char>(byte); };
  if (point < 0x80) return put(point);
  if (point < 0x800) {
    put(0xc0 | point >> 6);
  } else if (point < 0x10000) {
    put(0xe0 | point >> 12);
    put(0x80 | (point >> 6 & 0x3f));
  } else {
    put(0xf0 | point >> 18);
    put(0x80 | (point >> 12 & 0x3f));
    put(0x80 | (point >> 6 & 0x3f));
  }
  put(0x80 | (point & 0x3f));
}

// Of the four digits at `at`; false: they are none.
bool ReadHex(std::string_view text, size_t at, uint32_t* value) {
  if (at + 4 > text.size()) return false;
  *value = 0;
  for (char c : text.substr(at, 4)) {
    int digit = HexDigit(c);
    if (digit < 0) return false;
    *value = *value << 4 | static_cast<uint32_t>(digit);
  }
  return true;
}

char Unescaped(char c) {
  switch (c) {
    case 'n':
      return '\n';
    case 't':
      return '\t';
    case 'r':
      return '\r';
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    default:
      return c;
  }
}

// What stands between two quotes, as it is meant.
std::string Unquoted(std::string_view raw) {
  std::string value;
  for (size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] != '\\' || i + 1 == raw.size()) {
      value += raw[i];
      continue;
    }
    ++i;
    uint32_t point = 0;
    if (raw[i] != 'u' || !ReadHex(raw, i + 1, &point)) {
      value += Unescaped(raw[i]);
      continue;
    }
    i += 4;
    uint32_t low = 0;
    bool pair = point >= 0xd800 && point < 0xdc00 && raw.substr(i + 1, 2) == "\\u" &&
                ReadHex(raw, i + 3, &low) && low >= 0xdc00 && low < 0xe000;
    if (pair) {
      point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
      i += 6;
    }
    AppendUtf8(point, &value);
  }
  return value;
}

}  // namespace

bool JsonScan::Run() {
  while (at_ < text_.size()) {
    switch (text_[at_]) {
      case '"':
        String();
        break;
      case '{':
      case '[':
        if (!Open()) return true;
        break;
      case '}':
      case ']':
        Close();
        break;
      case ',':
        NextField();
        break;
      case '/':
        Comment();
        break;
      case ':':
      case ' ':
      case '\t':
      case '\r':
      case '\n':
        Put(text_.substr(at_++, 1));
        break;
      default:
        Word();
    }
  }
  return changed_;
}

void JsonScan::Put(std::string_view part) {
  shown_.append(part.substr(0, shown_max_ - std::min(shown_max_, shown_.size())));
}

void JsonScan::PutHidden(std::string_view value, std::string_view raw) {
  changed_ = true;
  Put("\"");
  Put(sink_.Hide(kind_, value, raw));
  Put("\"");
}

size_t JsonScan::CommentEnd(size_t at) const {
  bool line = text_.substr(at, 2) == "//";
  if (!line && text_.substr(at, 2) != "/*") return at;
  size_t end = line ? text_.find('\n', at) : text_.find("*/", at + 2);
  return end == std::string_view::npos ? text_.size() : end + (line ? 1 : 2);
}

size_t JsonScan::SkipBlanks(size_t at) const {
  for (;;) {
    at = std::min(text_.find_first_not_of(kBlanks, at), text_.size());
    size_t end = CommentEnd(at);
    if (end == at) return at;
    at = end;
  }
}

void JsonScan::Comment() {
  size_t end = std::max(CommentEnd(at_), at_ + 1);
  Put(text_.substr(at_, end - at_));
  at_ = end;
}

void JsonScan::String() {
  size_t begin = at_ + 1;
  size_t end = begin;
  while (end < text_.size() && text_[end] != '"') end += text_[end] == '\\' ? 2 : 1;
  end = std::min(end, text_.size());
  std::string_view raw = text_.substr(begin, end - begin);
  size_t behind = std::min(end + 1, text_.size());
  size_t next = SkipBlanks(behind);
  if (!std::exchange(named_, false) && next < text_.size() && text_[next] == ':') {
    named_ = true;
    path_.resize(levels_.back().names);
    path_.push_back(Unquoted(raw));
    kind_ = levels_.back().inherited;
    if (kind_ == Kind::kKeep) kind_ = rules_.For(path_);
    Put(text_.substr(at_, next + 1 - at_));
    at_ = next + 1;
    return;
  }
  if (kind_ == Kind::kKeep)
    Put(text_.substr(at_, behind - at_));
  else
    PutHidden(Unquoted(raw), raw);
  at_ = behind;
}

// A number, true, false, null, or what is nothing of JSON.
void JsonScan::Word() {
  size_t end = std::min(text_.find_first_of(kWordEnds, at_ + 1), text_.size());
  std::string_view word = text_.substr(at_, end - at_);
  at_ = end;
  named_ = false;
  if (kind_ == Kind::kKeep || word == "null")
    Put(word);
  else
    PutHidden(word, word);
}

bool JsonScan::Open() {
  if (levels_.size() >= bounds::kRedactedLevels) {
    sink_.GiveUp();
    Put("<redacted>");
    return false;
  }
  levels_.push_back({path_.size(), kind_});
  named_ = false;
  Put(text_.substr(at_++, 1));
  return true;
}

void JsonScan::Close() {
  if (levels_.size() > 1) levels_.pop_back();
  Put(text_.substr(at_++, 1));
  NextField();
}

void JsonScan::NextField() {
  if (at_ < text_.size() && text_[at_] == ',') Put(text_.substr(at_++, 1));
  kind_ = levels_.back().inherited;
  named_ = false;
  path_.resize(std::min(path_.size(), levels_.back().names));
}

}  // namespace nightjar
