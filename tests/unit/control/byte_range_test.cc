#include "supervisor/control/byte_range.h"

#include <gtest/gtest.h>

namespace nightjar {
namespace {

TEST(ByteRangeTest, ReadsTheThreeForms) {
  ByteRange part = ParseByteRange("bytes=3-5").value();
  EXPECT_EQ(part.first, 3u);
  EXPECT_EQ(part.count, 3u);
  ByteRange rest = ParseByteRange("bytes=500-").value();
  EXPECT_EQ(rest.first, 500u);
  EXPECT_EQ(rest.count, 0u);
  ByteRange end = ParseByteRange("bytes=-16").value();
  EXPECT_EQ(end.suffix, 16u);
  EXPECT_EQ(ParseByteRange("bytes=0-0")->count, 1u);
}

TEST(ByteRangeTest, PassesOverWhatItDoesNotServe) {
  for (const char* text :
       {"", "bytes", "bytes=", "bytes=-", "bytes=-0", "bytes=5-3", "bytes=1-2,4-5", "lines=1-2",
        "bytes=a-b", "bytes=1-99999999999999999999", "bytes=0-18446744073709551615", "bytes= 1-2"})
    EXPECT_FALSE(ParseByteRange(text)) << text;
}

}  // namespace
}  // namespace nightjar
