// Texts with others left out.

#include "ipc/redact/text_mask.h"

#include <gtest/gtest.h>

#include "ipc/core/bounds.h"

namespace nightjar {
namespace {

TextMask Of(std::vector<HiddenText> texts) {
  HiddenTexts hidden;
  hidden.texts = std::move(texts);
  TextMask mask;
  mask.Set(std::move(hidden));
  return mask;
}

std::string Shown(const TextMask& mask, std::string_view text) {
  std::string room;
  return std::string(mask.Apply(text, &room));
}

TEST(TextMaskTest, EachHiddenTextHasItsOwnWord) {
  TextMask mask = Of({{"swordfish", "<a>"}, {"trumpet", "<b>"}});
  EXPECT_EQ(Shown(mask, "swordfish, trumpet"), "<a>, <b>");
  EXPECT_EQ(Shown(mask, "sword fish"), "sword fish");
}

TEST(TextMaskTest, OfTwoThatBeginAtOnePlaceTheLongerCounts) {
  TextMask mask = Of({{"sword", "<a>"}, {"swordfish", "<b>"}});
  EXPECT_EQ(Shown(mask, "swordfishes"), "<b>es");
}

TEST(TextMaskTest, AWordThatShowsAHiddenTextIsReplaced) {
  TextMask mask = Of({{"redacted", "<redacted>"}, {"trumpet", "<t>"}});
  EXPECT_EQ(Shown(mask, "redacted trumpet"), "*** <t>");
}

TEST(TextMaskTest, WithTooManyNoTextIsShown) {
  HiddenTexts hidden;
  for (size_t i = 0; i <= bounds::kMaskedTexts; ++i)
    hidden.Add("text-" + std::to_string(i), "<redacted>");
  ASSERT_TRUE(hidden.all);
  TextMask mask;
  mask.Set(std::move(hidden));
  EXPECT_EQ(Shown(mask, "anything"), "<redacted>");
  EXPECT_EQ(Shown(mask, ""), "");
}

TEST(TextMaskTest, ShortTextsAreNotSearchedFor) {
  HiddenTexts hidden;
  hidden.Add("12345", "<redacted>");
  hidden.Add("123456", "<redacted>");
  hidden.Add("123456", "<other>");
  ASSERT_EQ(hidden.texts.size(), 1u);
  EXPECT_EQ(hidden.texts[0].shown, "<redacted>");
}

TEST(TextMaskTest, KnowsHowMuchOfAnEndMayBeABeginning) {
  TextMask mask = Of({{"swordfish", "<a>"}, {"fishes", "<b>"}});
  EXPECT_EQ(mask.BegunAtEnd("a sword"), 5u);
  EXPECT_EQ(mask.BegunAtEnd("a swordfish"), 4u);
  EXPECT_EQ(mask.BegunAtEnd("nothing"), 0u);
  EXPECT_EQ(mask.BegunAtEnd(""), 0u);
  EXPECT_EQ(TextMask().BegunAtEnd("sword"), 0u);
}

}  // namespace
}  // namespace nightjar
