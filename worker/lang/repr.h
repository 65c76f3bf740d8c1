// Values as text for people: for developers in messages, and for the users of a canvas.
//
// Passwords are never in it. Pure, but that it may throw StackExhausted.
#pragma once

#include <string>

#include "worker/lang/value.h"

namespace nightjar::lang {

// As messages and toRepr show it: strings in quotes, types of what has no text.
std::string Repr(const Dval& value);
// As toString and plain responses show it.
std::string ReadableText(const Dval& value);

std::string Base64(std::string_view bytes);
std::string UuidText(std::string_view sixteen_bytes);
// "2019-07-28T22:42:36Z"
std::string IsoDate(int64_t unix_ms);

}  // namespace nightjar::lang
