// The store's own legal hold on what lies under evidence/, where the store file asks for it: it is
// neither removed nor replaced before it is released here, by whoever has the keys.
//
// The bucket has versions then, so that a release has each version of an object to remove. Loop
// thread of the client; each `done` once.
#pragma once

#include <string>
#include <string_view>

#include "supervisor/writer/s3/s3_client.h"

namespace nightjar::s3 {

// Whether objects under this key get one.
bool IsLocked(const StoreSettings& settings, std::string_view key);

// Of an object that is there: puts the hold on it and looks whether it is. A hold in the headers of
// a copy is not: Ceph's gateway ignores it.
void LockEvidence(S3Client& client, const std::string& key, S3Client::Done done);

// Takes the holds off and removes every version. What is not there is removed.
void RemoveEvidence(S3Client& client, const std::string& key, S3Client::Done done);

// kInvalid: the bucket of evidence/ holds nothing, and what it would need.
void CheckEvidenceBucket(S3Client& client, S3Client::Done done);

}  // namespace nightjar::s3
