#include <strings.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "ipc/core/ascii.h"
#include "worker/lang/repr.h"
#include "worker/lang/unicode.h"
#include "worker/stdlib/library.h"
#include "worker/stdlib/url_escape.h"

namespace nightjar::lang {
namespace {

const ObjectNode* Header(const Call& call, std::string_view name, std::string_view value) {
  return ObjectSet(call.arena, nullptr, MakeText(call.arena, name), call.String(value));
}

Dval Response(const Call& call, int64_t status, const Dval& body,
              const ObjectNode* headers = nullptr) {
  return MakeResponse(call.arena, {status, headers, body, {}});
}

Dval WithHeaders(const Call& call) {
  const Dval* wrong = nullptr;
  ObjectEach(call[1].object, [&](const Text*, const Dval& value) {
    if (!value.Is(Tag::kString)) wrong = &value;
    return wrong == nullptr;
  });
  if (wrong == nullptr) return Response(call, call[2].integer, call[0], call[1].object);
  if (wrong->fake()) return *wrong;
  return call.Error("Expected the argument `headers` to be a Dict of Strs, but it contained `" +
                    Repr(*wrong) + "`");
}

Dval RedirectTo(const Call& call) {
  std::string_view url = call[0].view();
  return MakeResponse(call.arena, {302, nullptr, Dval::Null(), url});
}

template <int64_t kStatus>
Dval Plain(const Call& call) {
  return Response(call, kStatus, call.builtin.params.empty() ? Dval::Null() : call[0]);
}

bool SameWord(std::string_view a, std::string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

Dval Cookie(const Call& call, std::string_view start, const std::vector<std::string>& params,
            bool trailing) {
  std::string cookie(start);
  if (trailing) cookie += "; ";
  for (size_t i = 0; i < params.size(); ++i) {
    if (i > 0 || !trailing) cookie += "; ";
    cookie += params[i];
  }
  return Dval::Object(Header(call, "Set-Cookie", cookie));
}

// "" when a parameter like this is left out.
std::optional<std::string> FirstCookieParam(std::string_view name, const Dval& value) {
  std::string lower = ToLowerAscii(name);
  if ((lower == "secure" || lower == "httponly") && value.Is(Tag::kBool))
    return value.boolean() ? std::string(name) : "";
  bool text = lower == "path" || lower == "domain" || lower == "samesite";
  bool number = lower == "max-age" || lower == "expires";
  if ((text && value.Is(Tag::kString)) || (number && value.Is(Tag::kInt)))
    return std::string(name) + "=" + ReadableText(value);
  return std::nullopt;
}

// Versions 0 and 1: they differ in whether name and value are encoded.
template <bool kEncoded>
Dval FirstCookie(const Call& call) {
  std::vector<std::string> params;
  Dval wrong;
  ObjectEach(call[2].object, [&](const Text* key, const Dval& value) {
    std::string_view name(key->data, key->size);
    auto param = FirstCookieParam(name, value);
    if (!param) {
      wrong = call.Error("Unknown set-cookie param: " + std::string(name) + ": " + Repr(value));
      return false;
    }
    if (!param->empty()) params.push_back(*param);
    return true;
  });
  if (wrong.fake()) return wrong;
  auto part = [](const Dval& text) {
    return kEncoded ? UrlEscaped(text.view()) : std::string(text.view());
  };
  return Cookie(call, part(call[0]) + "=" + part(call[1]), params, true);
}

std::string HttpDate(int64_t unix_ms) {
  constexpr std::string_view kDays = "SunMonTueWedThuFriSat";
  constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  auto day = std::chrono::floor<std::chrono::days>(
      std::chrono::sys_time<std::chrono::milliseconds>{std::chrono::milliseconds(unix_ms)});
  std::chrono::year_month_day date(day);
  std::string iso = IsoDate(unix_ms);  // "2019-07-28T22:42:36Z"
  size_t time = iso.find('T') + 1;
  unsigned month = static_cast<unsigned>(date.month()) - 1;
  return std::string(kDays.substr(3 * std::chrono::weekday(day).c_encoding(), 3)) + ", " +
         iso.substr(time - 3, 2) + " " + std::string(kMonths.substr(3 * month, 3)) + " " +
         iso.substr(0, time - 7) + " " + iso.substr(time, 8) + " GMT";
}

// Adds one parameter of version 2; the value is what is wrong with it, or null.
Dval AddCookieParam(const Call& call, std::string_view name, const Dval& value,
                    std::vector<std::string>* params) {
  std::string lower = ToLowerAscii(name);
  auto wrong = [&](std::string_view who, std::string_view expected) {
    return call.Error("Expected the argument `" + std::string(who) + "` to be " +
                      std::string(expected) + ", but it was `" + Repr(value) + "`");
  };
  auto add = [&](const std::string& text) {
    params->push_back(std::string(name) + "=" + text);
    return Dval();
  };
  if (value.fake()) return value;
  if (lower == "secure" || lower == "httponly") {
    if (!value.Is(Tag::kBool)) return wrong("Secure or HttpOnly", "`true` or `false`");
    if (value.boolean()) params->push_back(std::string(name));
    return {};
  }
  if (lower == "path" || lower == "domain")
    return value.Is(Tag::kString) ? add(std::string(value.view()))
                                  : wrong("`Path` or `Domain`", "a string");
  if (lower == "samesite") {
    bool known =
        value.Is(Tag::kString) && (SameWord(value.view(), "strict") ||
                                   SameWord(value.view(), "lax") || SameWord(value.view(), "none"));
    return known ? add(std::string(value.view())) : wrong("SameSite", "`Strict`, `Lax`, or `None`");
  }
  if (lower == "max-age")
    return value.Is(Tag::kInt) ? add(std::to_string(value.integer))
                               : wrong("Max-Age", "a `Int` representing seconds");
  if (lower == "expires")
    return value.Is(Tag::kDate) ? add(HttpDate(value.integer)) : wrong("Expires", "a date");
  return call.Error(
      "Keys must be `Expires`, `Max-Age`, `Domain`, `Path`, `Secure`, `HttpOnly`, and/or "
      "`SameSite`, but one of the keys was " +
      std::string(name));
}

Dval SetCookie(const Call& call) {
  std::vector<std::string> params;
  Dval wrong;
  ObjectEach(call[2].object, [&](const Text* key, const Dval& value) {
    wrong = AddCookieParam(call, {key->data, key->size}, value, &params);
    return !wrong.fake();
  });
  if (wrong.fake()) return wrong;
  std::reverse(params.begin(), params.end());  // the last key first: so it always was
  return Cookie(call, std::string(call[0].view()) + "=" + std::string(call[1].view()), params,
                false);
}

void AddTyped(Module& m, std::string_view first, std::string_view now, Implementation run) {
  m.Add(first, 0, {{"response", kAny}, {"code", kInt}}, kResponse, run).Deprecated(now);
  m.Add(now, 0, {{"response", kAny}, {"code", kInt}}, kResponse, run);
}

}  // namespace

void AddHttp(Tables& tables) {
  Module m(tables, "Http");
  auto respond = [](const Call& call) { return Response(call, call[1].integer, call[0]); };
  AddTyped(m, "respond", "response", respond);
  AddTyped(m, "respondWithHtml", "responseWithHtml", [](const Call& call) {
    return Response(call, call[1].integer, call[0], Header(call, "Content-Type", "text/html"));
  });
  AddTyped(m, "respondWithText", "responseWithText", [](const Call& call) {
    return Response(call, call[1].integer, call[0], Header(call, "Content-Type", "text/plain"));
  });
  AddTyped(m, "respondWithJson", "responseWithJson", [](const Call& call) {
    return Response(call, call[1].integer, call[0],
                    Header(call, "Content-Type", "application/json"));
  });
  m.Add("respondWithHeaders", 0, {{"response", kAny}, {"headers", kDict}, {"code", kInt}},
        kResponse, WithHeaders)
      .Deprecated("Http.responseWithHeaders_v0");
  m.Add("responseWithHeaders", 0, {{"response", kAny}, {"headers", kDict}, {"code", kInt}},
        kResponse, WithHeaders);
  m.Add("success", 0, {{"response", kAny}}, kResponse, Plain<200>);
  m.Add("redirectTo", 0, {{"url", kStr}}, kResponse, RedirectTo);
  m.Add("badRequest", 0, {{"error", kStr}}, kResponse, Plain<400>);
  m.Add("notFound", 0, {}, kResponse, Plain<404>);
  m.Add("unauthorized", 0, {}, kResponse, Plain<401>);
  m.Add("forbidden", 0, {}, kResponse, Plain<403>);
  m.Add("setCookie", 0, {{"name", kStr}, {"value", kStr}, {"params", kDict}}, kDict,
        FirstCookie<true>)
      .Deprecated("Http.setCookie_v1");
  m.Add("setCookie", 1, {{"name", kStr}, {"value", kStr}, {"params", kDict}}, kDict,
        FirstCookie<false>)
      .Deprecated("Http.setCookie_v2");
  m.Add("setCookie", 2, {{"name", kStr}, {"value", kStr}, {"params", kDict}}, kDict, SetCookie);
}

}  // namespace nightjar::lang
