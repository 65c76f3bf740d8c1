// What a policy is called in every decision that was made by it: twelve hexadecimal digits of its
// content. The same files have the same version on every machine and after every restart. Pure.
#pragma once

#include <span>
#include <string>

#include "policies/policy.h"

namespace nightjar::policy {

// Of the files' names, which decisions name as sources, and their text.
std::string VersionOf(std::span<const PolicyFile> files);

}  // namespace nightjar::policy
