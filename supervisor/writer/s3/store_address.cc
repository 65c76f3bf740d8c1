#include "supervisor/writer/s3/store_address.h"

#include "supervisor/writer/s3/sigv4.h"

namespace nightjar::s3 {

Address AddressOf(const StoreSettings& settings, std::string_view bucket, std::string_view key) {
  const StoreEndpoint& endpoint = settings.endpoint;
  Address address{endpoint.host, "/"};
  const uint16_t usual = endpoint.tls ? 443 : 80;
  if (endpoint.port != 0 && endpoint.port != usual)
    address.host += ":" + std::to_string(endpoint.port);
  if (settings.addressing == StoreAddressing::kVirtual) {
    address.host = std::string(bucket) + "." + address.host;
  } else {
    address.path += std::string(bucket);
    if (!key.empty()) address.path += "/";
  }
  address.path += EncodePath(key);
  return address;
}

std::string OriginOf(const StoreSettings& settings, const Address& address) {
  return (settings.endpoint.tls ? "https://" : "http://") + address.host;
}

std::string_view BucketOf(const StoreSettings& settings, std::string_view key) {
  std::string_view kind = key.substr(0, key.find('/'));
  if (kind == "week") return settings.bucket_week;
  if (kind == "kept") return settings.bucket_kept;
  if (kind == "evidence") return settings.bucket_evidence;
  return {};
}

}  // namespace nightjar::s3
