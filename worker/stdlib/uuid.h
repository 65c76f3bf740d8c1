// UUIDs as text. Pure.
#pragma once

#include <string>
#include <string_view>

#include "worker/lang/builtin.h"

namespace nightjar::lang {

inline constexpr std::string_view kUuidForm =
    "`uuid` parameter was not of form XXXXXXXX-XXXX-XXXX-XXXX-XXXXXXXXXXXX";

// The sixteen bytes of XXXXXXXX-XXXX-XXXX-XXXX-XXXXXXXXXXXX, which may stand in braces or
// parentheses, or go without its hyphens; "" when the text is something else.
std::string ParseUuid(std::string_view text);

// The UUID that a call's argument is, as a result.
Dval UuidResult(const Call& call);

}  // namespace nightjar::lang
