// The part of HttpClient that makes headers and needs no network.
#include "worker/lang/repr.h"
#include "worker/stdlib/library.h"

namespace nightjar::lang {
namespace {

Dval Header(const Call& call, std::string_view name, std::string_view value) {
  return Dval::Object(
      ObjectSet(call.arena, nullptr, MakeText(call.arena, name), call.String(value)));
}

Dval BasicAuth(const Call& call) {
  if (call[0].view().find('-') != std::string_view::npos)
    return call.Error("Username cannot contain a hyphen");
  std::string both = std::string(call[0].view()) + ":" + std::string(call[1].view());
  return Header(call, "Authorization", "Basic " + Base64(both));
}

Dval BearerToken(const Call& call) {
  return Header(call, "Authorization", "Bearer " + std::string(call[0].view()));
}

}  // namespace

void AddHttpClient(Tables& tables) {
  constexpr Type kHeaders{Kind::kDict, "Dict Str"};
  Module m(tables, "HttpClient");
  m.Add("formContentType", 0, {}, kHeaders, [](const Call& call) {
    return Header(call, "Content-Type", "application/x-www-form-urlencoded");
  });
  m.Add("jsonContentType", 0, {}, kHeaders, [](const Call& call) {
    return Header(call, "Content-Type", "application/json; charset=utf-8");
  });
  m.Add("plainTextContentType", 0, {}, kHeaders,
        [](const Call& call) { return Header(call, "Content-Type", "text/plain; charset=utf-8"); });
  m.Add("htmlContentType", 0, {}, kHeaders,
        [](const Call& call) { return Header(call, "Content-Type", "text/html; charset=utf-8"); });
  m.Add("bearerToken", 0, {{"token", kStr}}, kHeaders, BearerToken)
      .Deprecated("HttpClient.bearerToken_v1");
  m.Add("bearerToken", 1, {{"token", kStr}}, kHeaders, BearerToken);
  m.Add("basicAuth", 0, {{"username", kStr}, {"password", kStr}}, kHeaders, BasicAuth)
      .Deprecated("HttpClient.basicAuth_v1");
  m.Add("basicAuth", 1, {{"username", kStr}, {"password", kStr}}, kHeaders, BasicAuth);
}

}  // namespace nightjar::lang
