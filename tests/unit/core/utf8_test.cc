#include "ipc/core/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace nightjar {
namespace {

TEST(Utf8PrefixTest, KeepsWholeCharactersOnly) {
  std::string_view text = "a\u00e9\u20ac\U0001f600z";  // of 1, 2, 3, 4 and 1 bytes
  const size_t kExpected[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11};
  for (size_t most = 0; most < std::size(kExpected); ++most)
    EXPECT_EQ(Utf8PrefixSize(text, most), kExpected[most]) << most;
}

TEST(Utf8PrefixTest, StopsAtTheFirstByteThatIsNotUtf8) {
  const std::string_view kBad[] = {
      "\x80",              // a continuation without a lead
      "\xc0\xaf",          // overlong
      "\xe0\x9f\xbf",      // overlong
      "\xed\xa0\x80",      // a surrogate
      "\xf0\x8f\xbf\xbf",  // overlong
      "\xf4\x90\x80\x80",  // beyond U+10FFFF
      "\xf5\x80\x80\x80",  // no such lead
      "\xe2\x82",          // cut
      "\xe2\x28\xa1",      // a continuation that is none
      "\xff",
  };
  for (std::string_view bad : kBad) {
    for (size_t before : {0, 3, 8, 21}) {
      std::string text(before, 'x');
      text += bad;
      if (bad != "\xe2\x82") text += "after it";
      EXPECT_EQ(Utf8PrefixSize(text, SIZE_MAX), before);
    }
  }
}

TEST(Utf8PrefixTest, TakesTheEdgesOfEachSize) {
  for (std::string_view good :
       {std::string_view("\0", 1), std::string_view("\x7f"), std::string_view("\u0080"),
        std::string_view("\u07ff"), std::string_view("\u0800"), std::string_view("\ud7ff"),
        std::string_view("\ue000"), std::string_view("\uffff"), std::string_view("\U00010000"),
        std::string_view("\U0010ffff")})
    EXPECT_EQ(Utf8PrefixSize(good, SIZE_MAX), good.size());
  EXPECT_EQ(Utf8PrefixSize({}, 10), 0u);
}

}  // namespace
}  // namespace nightjar
