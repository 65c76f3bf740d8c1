// A value of the canvas language on one line, as an author would write it: { name: "x", n: 3 }.
// Pure; printable.
//
// Passwords have no bytes here and read <password>. A value that was cut when it was recorded says
// how large it was.
#pragma once

#include <string>

#include "ipc/proto/value.pb.h"

namespace nightjar::cli {

enum class Detail {
  kShort,
  kFull
};  // kShort: strings cut at 60 columns, long lists after a few items

std::string RenderValue(const proto::Value& value, Detail detail);

}  // namespace nightjar::cli
