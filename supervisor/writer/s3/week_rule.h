// The rule of a bucket that lets week/ expire by itself: what retention rests on.
//
// Rules of somebody else's in the bucket are left alone: then whoever owns them is told what is
// missing. Loop thread of the client.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "supervisor/writer/s3/s3_client.h"

namespace nightjar::s3 {

// The document that holds this one rule.
std::string WeekRule();
// Whether a bucket's rules expire week/ after as many days as they should.
bool HasWeekRule(std::string_view rules);

// Looks, and sets it where there is no rule at all. kExists: there are others. `done` once.
void EnsureWeekRule(S3Client& client, S3Client::Done done);

}  // namespace nightjar::s3
