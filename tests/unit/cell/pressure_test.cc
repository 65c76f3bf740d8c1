// What the kernel writes of pressure.
#include "supervisor/cell/pressure.h"

#include <gtest/gtest.h>

namespace nightjar {
namespace {

TEST(PressureTest, ReadsTheTimeInWhichSomeThreadWaited) {
  EXPECT_EQ(StalledIn("some avg10=99.36 avg60=99.22 avg300=90.38 total=9038456645\n"
                      "full avg10=0.00 avg60=0.00 avg300=0.00 total=17\n"),
            9'038'456'645u);
  EXPECT_EQ(StalledIn("some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"), 0u);
}

TEST(PressureTest, ClaimsNothingOfOtherText) {
  for (const char* text : {"", "some", "some avg10=0.00\n", "full total=5\n", "some total=\n",
                           "some avg10=0.00\nfull total=7\n"})
    EXPECT_EQ(StalledIn(text), std::nullopt) << text;
}

}  // namespace
}  // namespace nightjar
