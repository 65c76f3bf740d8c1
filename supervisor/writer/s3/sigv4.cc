#include "supervisor/writer/s3/sigv4.h"

#include <algorithm>
#include <ctime>

#include "supervisor/writer/s3/digest.h"
#include "supervisor/writer/sha256.h"

namespace nightjar::s3 {
namespace {

constexpr size_t kDayChars = 8;  // of a stamp: its day

// "20130524T000000Z".
std::string Stamp(int64_t unix_s) {
  time_t seconds = unix_s;
  tm parts{};
  char text[32] = "";
  gmtime_r(&seconds, &parts);
  strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &parts);
  return text;
}

void AppendEncoded(std::string& out, std::string_view text, bool keep_slash) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  for (unsigned char c : text) {
    bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                 c == '-' || c == '.' || c == '_' || c == '~' || (keep_slash && c == '/');
    if (plain) {
      out.push_back(static_cast<char>(c));
      continue;
    }
    out.push_back('%');
    out.push_back(kDigits[c >> 4]);
    out.push_back(kDigits[c & 15]);
  }
}

// In the order of their names, host among them.
Fields HeadersToSign(const ToSign& request) {
  Fields headers = request.headers;
  headers.emplace_back("host", request.host);
  std::sort(headers.begin(), headers.end());
  return headers;
}

std::string NamesOf(const Fields& headers) {
  std::string names;
  for (const auto& [name, value] : headers) names += (names.empty() ? "" : ";") + name;
  return names;
}

std::string Canonical(const ToSign& request, const Fields& headers, std::string_view query,
                      std::string_view body_hash) {
  std::string text = request.method + '\n' + request.path + '\n';
  text.append(query) += '\n';
  for (const auto& [name, value] : headers) text += name + ':' + value + '\n';
  text += '\n' + NamesOf(headers) + '\n';
  return text.append(body_hash);
}

std::string Joined(std::initializer_list<std::string_view> parts) {
  std::string text;
  for (std::string_view part : parts) text += part;
  return text;
}

}  // namespace

std::string Encode(std::string_view text) {
  std::string out;
  AppendEncoded(out, text, false);
  return out;
}

std::string EncodePath(std::string_view path) {
  std::string out;
  AppendEncoded(out, path, true);
  return out;
}

std::string EncodeQuery(const Fields& query) {
  Fields encoded;
  for (const auto& [name, value] : query) encoded.emplace_back(Encode(name), Encode(value));
  std::sort(encoded.begin(), encoded.end());
  std::string text;
  for (const auto& [name, value] : encoded) text += (text.empty() ? "" : "&") + name + "=" + value;
  return text;
}

const Signer::Words& Signer::WordsOf(StoreProvider provider) {
  static constexpr Words kAws = {"AWS4-HMAC-SHA256", "AWS4",   "aws4_request",
                                 "x-amz-",           "X-Amz-", "s3"};
  static constexpr Words kGcs = {"GOOG4-HMAC-SHA256", "GOOG4",   "goog4_request",
                                 "x-goog-",           "X-Goog-", "storage"};
  return provider == StoreProvider::kGcs ? kGcs : kAws;
}

Signer::Signer(StoreProvider provider, Credentials credentials, std::string region)
    : words_(WordsOf(provider)), credentials_(std::move(credentials)), region_(std::move(region)) {}

std::string Signer::Scope(std::string_view day) const {
  return Joined({day, "/", region_, "/", words_.service, "/", words_.terminator});
}

std::string Signer::Signature(std::string_view canonical, std::string_view stamp) const {
  std::string_view day = stamp.substr(0, kDayChars);
  std::string key = Joined({words_.key_prefix, credentials_.secret_key});
  for (std::string_view part : {day, std::string_view(region_), words_.service, words_.terminator})
    key = HmacSha256(key, part);
  std::string text = Joined({words_.algorithm, "\n", stamp, "\n", Scope(day), "\n"});
  return HashText(HmacSha256(key, text + HashText(Sha256({canonical}))));
}

Fields Signer::SignHeaders(const ToSign& request, std::string_view body_hash,
                           int64_t unix_s) const {
  const std::string stamp = Stamp(unix_s);
  Fields added = {{Joined({words_.header_prefix, "content-sha256"}), std::string(body_hash)},
                  {Joined({words_.header_prefix, "date"}), stamp}};
  ToSign whole = request;
  whole.headers.insert(whole.headers.end(), added.begin(), added.end());
  Fields headers = HeadersToSign(whole);
  std::string canonical = Canonical(whole, headers, EncodeQuery(whole.query), body_hash);
  added.emplace_back("authorization",
                     Joined({words_.algorithm, " Credential=", credentials_.access_key, "/",
                             Scope(std::string_view(stamp).substr(0, kDayChars)), ",SignedHeaders=",
                             NamesOf(headers), ",Signature=", Signature(canonical, stamp)}));
  return added;
}

std::string Signer::SignQuery(const ToSign& request, int64_t unix_s, int64_t expires_s) const {
  const std::string stamp = Stamp(unix_s);
  Fields headers = HeadersToSign(request);
  Fields query = request.query;
  auto add = [&](std::string_view name, std::string value) {
    query.emplace_back(Joined({words_.query_prefix, name}), std::move(value));
  };
  add("Algorithm", std::string(words_.algorithm));
  add("Credential",
      Joined({credentials_.access_key, "/", Scope(std::string_view(stamp).substr(0, kDayChars))}));
  add("Date", stamp);
  add("Expires", std::to_string(expires_s));
  add("SignedHeaders", NamesOf(headers));
  std::string encoded = EncodeQuery(query);
  std::string canonical = Canonical(request, headers, encoded, kUnsignedPayload);
  return Joined({encoded, "&", words_.query_prefix, "Signature=", Signature(canonical, stamp)});
}

}  // namespace nightjar::s3
