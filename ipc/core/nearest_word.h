// "Did you mean ...?": the word that is least far from a misspelt one. Pure; any thread.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace nightjar {

// Steps from one to the other: a character changed, put in, left out, or swapped with its
// neighbour. Case does not count. Both are a few dozen bytes at most.
size_t EditDistance(std::string_view a, std::string_view b);

// The one of `words` that was most likely meant by `typed`; empty where none is near.
std::string_view NearestWord(std::string_view typed, std::span<const std::string_view> words);

// "; did you mean `wall`?" for the end of a message; empty where `nearest` is.
std::string DidYouMean(std::string_view nearest);

}  // namespace nightjar
