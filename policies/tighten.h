// A limit that an operator makes tighter than policy has it, for a while. Pure.
//
// Only what keeps a canvas in bounds can be tightened, and only to less than it is: what traces
// show and how workers are kept is the policy file's alone.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "policies/limit_table.h"

namespace nightjar::policy {

// `text` as it would stand in a policy file, with quotes or without. Or a sentence: the limit is
// not one of these, or the text is no such value.
tl::expected<LimitValue, std::string> ReadTightened(const LimitKey& key, std::string_view text);

// Likewise, or the sentence says that it is not tighter than `in_force` has it.
tl::expected<LimitValue, std::string> ReadTighter(const LimitKey& key, std::string_view text,
                                                  const Limits& in_force);

// No effect where the limit is as tight already. The limits of one run stay within those of its
// canvas.
void Tighten(const LimitKey& key, const LimitValue& value, const Origin& origin, Limits* limits);

}  // namespace nightjar::policy
