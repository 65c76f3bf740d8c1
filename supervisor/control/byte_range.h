// The header by which somebody asks for a part of an object: "bytes=0-99", "bytes=500-",
// "bytes=-16". Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace nightjar {

struct ByteRange {
  uint64_t first = 0;
  uint64_t count = 0;   // 0: to the end
  uint64_t suffix = 0;  // not 0: the last so many bytes instead
};

// nullopt: the whole, as there is no such header, or one to be passed over (RFC 9110, 14.2), as
// those of several ranges are.
std::optional<ByteRange> ParseByteRange(std::string_view header);

}  // namespace nightjar
