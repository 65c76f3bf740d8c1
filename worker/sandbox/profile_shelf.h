// The filters of one zygote: of its profile, and of the same with some calls taken from it.
//
// Each is compiled once, at the first worker that wants it, and kept, so that such a worker costs
// no more than any other. Taking calls away is all that can be asked for: a supervisor that was
// taken over cannot soften a filter (docs/adr/0039-denied-calls.md). The zygote's thread.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "worker/sandbox/profile.h"

namespace nightjar {

class ProfileShelf {
 public:
  ProfileShelf(SeccompRules rules, OnDenial on_denial)
      : rules_(std::move(rules)), on_denial_(on_denial) {}

  // Good until the next call. In any order, and names that the profile does not have change
  // nothing.
  Result<const Profile*> Without(std::vector<std::string> calls);

 private:
  SeccompRules rules_;
  OnDenial on_denial_;
  std::map<std::vector<std::string>, Profile> compiled_;
};

}  // namespace nightjar
