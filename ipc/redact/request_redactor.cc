#include "ipc/redact/request_redactor.h"

#include <nettle/base64.h>

#include <algorithm>

#include "ipc/core/ascii.h"
#include "ipc/core/bounds.h"
#include "ipc/core/percent.h"
#include "ipc/redact/json_scan.h"

namespace nightjar {
namespace {

bool StartsWithNoCase(std::string_view text, std::string_view start) {
  return EqualsNoCase(text.substr(0, start.size()), start);
}

bool LooksLikeJson(std::string_view content_type, std::string_view body) {
  if (ToLowerAscii(content_type).find("json") != std::string::npos) return true;
  size_t first = body.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && (body[first] == '{' || body[first] == '[');
}

// Of a parameter of a header: boundary=x, name="x".
std::string_view ParameterIn(std::string_view header, std::string_view name) {
  std::string_view found;
  EachPart(header, ';', [&](std::string_view part) {
    part = TrimAscii(part, " \t");
    if (!StartsWithNoCase(part, name) || part.substr(name.size(), 1) != "=") return;
    part.remove_prefix(name.size() + 1);
    found = TrimAscii(part, "\"");
  });
  return found;
}

std::string DecodedBase64(std::string_view text) {
  base64_decode_ctx state;
  base64_decode_init(&state);
  std::string bytes(BASE64_DECODE_LENGTH(text.size()), '\0');
  size_t size = bytes.size();
  bool sound = base64_decode_update(&state, &size, reinterpret_cast<uint8_t*>(bytes.data()),
                                    text.size(), text.data()) == 1;
  bytes.resize(sound ? size : 0);
  return bytes;
}

class Hider final : public JsonScan::Sink {
 public:
  Hider(const RedactionRules& rules, HiddenTexts& hidden) : rules_(rules), hidden_(hidden) {}
  std::string Hide(RedactionRules::Kind kind, std::string_view value,
                   std::string_view raw) override {
    std::string shown = rules_.Shown(kind, value);
    hidden_.Add(value, shown);
    hidden_.Add(raw, shown);
    return shown;
  }
  void GiveUp() override { hidden_.all = true; }

 private:
  const RedactionRules& rules_;
  HiddenTexts& hidden_;
};

}  // namespace

bool RequestRedactor::IsContentType(std::string_view name) {
  return EqualsNoCase(name, "content-type");
}

std::string RequestRedactor::Hide(Kind kind, std::string_view value) {
  if (kind == Kind::kKeep) return std::string(value);
  return Hider(rules_, hidden_).Hide(kind, value, value);
}

void RequestRedactor::AddRouteVariable(std::string_view name, std::string_view value) {
  Kind kind = rules_.For(name);
  if (kind == Kind::kKeep || value.empty()) return;
  Hide(kind, value);
  // The last variable of a route may be several segments.
  EachPart(value, '/', [&](std::string_view segment) {
    if (!segment.empty()) segments_.emplace_back(segment, Hide(kind, segment));
  });
}

// Tokens behind the scheme, and what they hold: a caller's password, or the fields of a digest.
void RequestRedactor::HideCredentials(Kind kind, std::string_view value) {
  size_t space = value.find(' ');
  if (space == std::string_view::npos) return;
  bool basic = EqualsNoCase(value.substr(0, space), "basic");
  Hide(kind, TrimAscii(value.substr(space), " "));
  EachPart(value.substr(space + 1), ',', [&](std::string_view field) {
    field = TrimAscii(field, " ");
    size_t equals = field.find('=');
    if (equals != std::string_view::npos) Hide(kind, TrimAscii(field.substr(equals + 1), "\" "));
  });
  if (!basic) return;
  std::string pair = DecodedBase64(TrimAscii(value.substr(space), " "));
  Hide(kind, pair);
  size_t colon = pair.find(':');
  if (colon != std::string::npos) Hide(kind, std::string_view(pair).substr(colon + 1));
}

std::string RequestRedactor::Cookies(std::string_view cookies) {
  Kind all = rules_.For("cookie");
  std::string shown;
  EachPart(cookies, ';', [&](std::string_view part) {
    if (!shown.empty()) shown += ';';
    size_t equals = part.find('=');
    std::string_view name = TrimAscii(part.substr(0, equals), " \t");
    Kind kind = all == Kind::kKeep ? rules_.For(name) : all;
    if (kind == Kind::kKeep || equals == std::string_view::npos) {
      shown += part;
      return;
    }
    std::string_view raw = TrimAscii(part.substr(equals + 1), " \t");
    std::string value = PercentDecoded(raw, Plus::kSpace);
    std::string word = Hide(kind, value);
    hidden_.Add(raw, word);
    hidden_.Add(TrimAscii(raw, "\""), word);
    shown.append(part.substr(0, equals + 1)).append(word);
  });
  return shown;
}

std::string RequestRedactor::Header(std::string_view name, std::string_view value) {
  value = TrimAscii(value, " \t");
  Kind kind = rules_.For(name);
  bool cookie = EqualsNoCase(name, "cookie");
  std::string cookies = cookie ? Cookies(value) : "";
  if (kind != Kind::kKeep) {
    std::string shown = Hide(kind, value);
    if (!cookie) HideCredentials(kind, value);
    return shown;
  }
  if (cookie) return cookies;
  if (EqualsNoCase(name, "referer")) return Url(value);
  return std::string(value);
}

std::string RequestRedactor::Query(std::string_view query) {
  std::string shown;
  bool first = true;
  EachPart(query, '&', [&](std::string_view part) {
    if (!std::exchange(first, false)) shown += '&';
    size_t equals = part.find('=');
    Kind kind = rules_.For(PercentDecoded(part.substr(0, equals), Plus::kSpace));
    if (kind == Kind::kKeep || equals == std::string_view::npos || equals + 1 == part.size()) {
      shown += part;
      return;
    }
    std::string_view raw = part.substr(equals + 1);
    std::string word = Hide(kind, PercentDecoded(raw, Plus::kSpace));
    hidden_.Add(raw, word);
    // Handlers get a value with commas as a list.
    if (raw.find(',') != std::string_view::npos)
      EachPart(raw, ',',
               [&](std::string_view item) { Hide(kind, PercentDecoded(item, Plus::kSpace)); });
    shown.append(part.substr(0, equals + 1)).append(word);
  });
  return shown;
}

std::string RequestRedactor::Path(std::string_view path) {
  std::string shown;
  bool first = true;
  EachPart(path, '/', [&](std::string_view segment) {
    if (!std::exchange(first, false)) shown += '/';
    std::string decoded = PercentDecoded(segment, Plus::kKept);
    auto known = std::find_if(segments_.begin(), segments_.end(), [&](const auto& one) {
      return one.first == decoded || one.first == segment;
    });
    if (known == segments_.end()) {
      shown += segment;
      return;
    }
    hidden_.Add(segment, known->second);
    shown += known->second;
  });
  return shown;
}

std::string RequestRedactor::Url(std::string_view url) {
  size_t mark = url.find('?');
  std::string_view path = url.substr(0, mark);
  std::string shown = segments_.empty() ? std::string(path) : Path(path);
  if (mark != std::string_view::npos) shown.append("?").append(Query(url.substr(mark + 1)));
  return shown;
}

// multipart/form-data (RFC 7578): the content of named fields.
void RequestRedactor::Parts(std::string_view boundary, std::string_view body, std::string* shown) {
  const std::string line = "--" + std::string(boundary);
  size_t told = 0;
  for (size_t at = body.find(line); at != std::string_view::npos;) {
    size_t head = at + line.size();
    size_t next = body.find(line, head);
    std::string_view part = body.substr(head, next - head);
    at = next;
    size_t blank = part.find("\r\n\r\n");
    if (blank == std::string_view::npos) continue;
    std::string_view name;
    EachPart(part.substr(0, blank), '\n', [&](std::string_view field) {
      if (StartsWithNoCase(field, "content-disposition:"))
        name = ParameterIn(TrimAscii(field, "\r"), "name");
    });
    Kind kind = rules_.For(name);
    if (kind == Kind::kKeep) continue;
    std::string_view content = part.substr(blank + 4);
    if (content.ends_with("\r\n")) content.remove_suffix(2);
    size_t begin = static_cast<size_t>(content.data() - body.data());
    shown->append(body.substr(told, begin - told)).append(Hide(kind, content));
    told = begin + content.size();
  }
  if (told > 0) shown->append(body.substr(told));
}

std::string_view RequestRedactor::Body(std::string_view content_type, std::string_view body,
                                       std::string* room) {
  room->clear();
  if (rules_.empty() || body.empty()) return body;
  if (StartsWithNoCase(content_type, "application/x-www-form-urlencoded")) {
    *room = Query(body);
    if (*room == body) return body;
  } else if (StartsWithNoCase(content_type, "multipart/")) {
    std::string_view boundary = ParameterIn(content_type, "boundary");
    if (!boundary.empty()) Parts(boundary, body, room);
    if (room->empty()) return body;
  } else {
    if (!LooksLikeJson(content_type, body)) return body;
    Hider hider(rules_, hidden_);
    if (!JsonScan(body, rules_, hider, room, bounds::kTraceEventBytes).Run()) return body;
  }
  room->resize(std::min(room->size(), bounds::kTraceEventBytes));
  return *room;
}

}  // namespace nightjar
