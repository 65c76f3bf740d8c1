// Signs requests to an S3-compatible store: signature version 4, in headers or in a URL.
//
// Pure: no clock, no network, nothing read from anywhere. It does not choose what is sent; it only
// says in whose name. The canonical form follows S3's own rule: each byte of a path is encoded
// once, and nothing is normalised. Google's XML interface takes the same scheme under other words
// (kGcs): that table is there, and no test has spoken to Google.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "policies/store_settings.h"

namespace nightjar::s3 {

struct Credentials {
  std::string access_key;
  std::string secret_key;
};

using Fields = std::vector<std::pair<std::string, std::string>>;

struct ToSign {
  std::string method;
  std::string host;  // as in the Host header
  std::string path;  // encoded: EncodePath()
  Fields query;      // plain; a parameter without a value has an empty one
  Fields headers;    // names in lower case, without host
};

// What stands for a body's hash where nobody knows it.
inline constexpr std::string_view kUnsignedPayload = "UNSIGNED-PAYLOAD";

// Everything but A-Z a-z 0-9 - . _ ~ as %XX. EncodePath leaves '/' alone.
std::string Encode(std::string_view text);
std::string EncodePath(std::string_view path);
// "a=1&uploads=": sorted by encoded name, then value.
std::string EncodeQuery(const Fields& query);

class Signer {
 public:
  Signer(StoreProvider provider, Credentials credentials, std::string region);

  // What to send beside the request's own headers: date, the body's hash, authorization.
  // `body_hash`: SHA-256 in hexadecimal digits, or kUnsignedPayload.
  Fields SignHeaders(const ToSign& request, std::string_view body_hash, int64_t unix_s) const;

  // The whole query of a URL that anybody may use until `expires_s` seconds after `unix_s`; a
  // week is the most that stores take.
  std::string SignQuery(const ToSign& request, int64_t unix_s, int64_t expires_s) const;

  // "x-amz-" or "x-goog-": how the store's own headers begin.
  std::string_view header_prefix() const { return words_.header_prefix; }

 private:
  // The words in which providers differ.
  struct Words {
    std::string_view algorithm;      // "AWS4-HMAC-SHA256"
    std::string_view key_prefix;     // "AWS4"
    std::string_view terminator;     // "aws4_request"
    std::string_view header_prefix;  // "x-amz-"
    std::string_view query_prefix;   // "X-Amz-"
    std::string_view service;        // "s3"
  };
  static const Words& WordsOf(StoreProvider provider);

  std::string Scope(std::string_view day) const;
  std::string Signature(std::string_view canonical, std::string_view stamp) const;

  const Words& words_;
  Credentials credentials_;
  std::string region_;
};

}  // namespace nightjar::s3
