// What a store says when it refuses, and what that means for whoever asked. Pure.
#pragma once

#include <string>
#include <string_view>

#include "ipc/core/result.h"

namespace nightjar::s3 {

// The content of the first <TAG> in an answer, cut and cleaned for a log: a store's words are
// foreign. Empty: there is none.
std::string TagContent(std::string_view xml, std::string_view tag);
// The same as it is, up to `bytes_max`; empty where it is longer.
std::string RawTagContent(std::string_view xml, std::string_view tag, size_t bytes_max);

// Of an answer with this status, which is not one of success.
Error StoreError(long status, std::string_view body);

// Whether the same call may succeed a moment later: the store is away, slow, or asks for less.
bool WorthRetrying(long status, std::string_view body);
bool WorthRetrying(const Error& error);

}  // namespace nightjar::s3
