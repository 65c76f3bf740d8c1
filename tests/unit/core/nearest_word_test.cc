#include "ipc/core/nearest_word.h"

#include <gtest/gtest.h>

#include <string>

namespace nightjar {
namespace {

TEST(NearestWordTest, SuggestsOnlyWhatIsNear) {
  const std::string_view kWords[] = {"wall", "cpu", "concurrency", "queue"};
  EXPECT_EQ(NearestWord("wlal", kWords), "wall");
  EXPECT_EQ(NearestWord("cpus", kWords), "cpu");
  EXPECT_EQ(NearestWord("concurency", kWords), "concurrency");
  EXPECT_EQ(NearestWord("QUEUE", kWords), "queue");
  EXPECT_EQ(NearestWord("memory", kWords), "");
  EXPECT_EQ(NearestWord("", kWords), "");
  EXPECT_EQ(NearestWord(std::string(10'000, 'w'), kWords), "");
}

TEST(NearestWordTest, CountsASwapOnce) {
  EXPECT_EQ(EditDistance("abc", "abc"), 0u);
  EXPECT_EQ(EditDistance("abc", "acb"), 1u);
  EXPECT_EQ(EditDistance("", "abc"), 3u);
  EXPECT_EQ(EditDistance("ABC", "ab"), 1u);
}

}  // namespace
}  // namespace nightjar
