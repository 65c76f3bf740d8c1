// Where an object lies: which bucket, under which host name and path. Pure.
#pragma once

#include <string>
#include <string_view>

#include "policies/store_settings.h"

namespace nightjar::s3 {

struct Address {
  std::string host;  // with the port where it is not the scheme's own
  std::string path;  // encoded, from the first '/'
};

// `key` empty: of the bucket itself.
Address AddressOf(const StoreSettings& settings, std::string_view bucket, std::string_view key);

// "https://host:port".
std::string OriginOf(const StoreSettings& settings, const Address& address);

// The bucket for a key, by its first part: week/, kept/ or evidence/. Empty: there is none.
std::string_view BucketOf(const StoreSettings& settings, std::string_view key);

}  // namespace nightjar::s3
