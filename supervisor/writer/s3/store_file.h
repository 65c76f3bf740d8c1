// Reads what the operator wrote of a store: its settings, and the file with the keys to it.
//
// As the one who may read the keys, which is before privileges are dropped.
#pragma once

#include <string>

#include "ipc/core/result.h"
#include "policies/store_settings.h"
#include "supervisor/writer/s3/sigv4.h"

namespace nightjar::s3 {

struct StoreFile {
  StoreSettings settings;
  Credentials credentials;
};

// Each mistake is a line of the error: "path:line:column: what is wrong". Never a secret.
Result<StoreFile> ReadStoreFile(const std::string& path);

}  // namespace nightjar::s3
