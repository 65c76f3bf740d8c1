// What a store file says: where traces go that do not stay on this machine.
//
// All or nothing, as a policy: with an error there are no settings, and each error has its line and
// column. Pure: the text comes in, nothing is looked up or connected to. Names and addresses only;
// the secrets are in a file of their own, which the storage writer alone reads.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policies/policy.h"
#include "policies/toml_reader.h"

namespace nightjar {

enum class StoreProvider { kAws, kGcs };
// Where a bucket's name stands: http://host/bucket/key, or http://bucket.host/key.
enum class StoreAddressing { kPath, kVirtual };

struct StoreEndpoint {
  bool tls = false;
  std::string host;   // as in a URL: an IPv6 address in brackets
  uint16_t port = 0;  // 0: the scheme's own
};

struct StoreSettings {
  StoreProvider provider = StoreProvider::kAws;
  StoreEndpoint endpoint;
  std::string region = "us-east-1";
  StoreAddressing addressing = StoreAddressing::kPath;
  // By the first part of a key; `bucket` sets all three.
  std::string bucket_week, bucket_kept, bucket_evidence;
  bool lock_evidence = false;  // the store puts a legal hold on each object in bucket_evidence
  std::string credentials_file;
  policy::Place credentials_at;        // of that value
  std::string ca_file;                 // instead of the host's certificates; empty: those
  uint64_t spool_bytes_max = 1 << 30;  // on this machine's disk
};

std::optional<StoreSettings> ParseStoreSettings(std::string_view text,
                                                std::vector<policy::PolicyError>* errors);

}  // namespace nightjar
