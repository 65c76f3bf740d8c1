#include "supervisor/metrics/canvas_series.h"

#include <gtest/gtest.h>

#include <random>

#include "ipc/core/bounds.h"

namespace nightjar {
namespace {

using namespace std::chrono_literals;

class CanvasSeriesTest : public ::testing::Test {
 protected:
  static std::string Name(size_t number) { return "canvas-" + std::to_string(number); }
  void Use(const std::string& canvas, uint64_t cpu_us) {
    series_.Of(canvas, now_).cpu_us += cpu_us;
    series_.Weigh(canvas, cpu_us);
  }
  void Pass(Nanos time) {
    now_ += time;
    series_.Turn(now_);
  }
  bool Shown(const std::string& canvas) const { return series_.shown().contains(canvas); }
  uint64_t Sum() const {
    uint64_t sum = series_.others().cpu_us;
    for (const auto& [canvas, shown] : series_.shown()) sum += shown.figures.cpu_us;
    return sum;
  }

  MonoTime now_{1h};
  CanvasSeries series_;
};

TEST_F(CanvasSeriesTest, TheFirstHaveTheirOwnAndTheRestIsTogether) {
  for (size_t i = 0; i < bounds::kCanvasSeries + 10; ++i) Use(Name(i), 100);
  EXPECT_EQ(series_.shown().size(), bounds::kCanvasSeries);
  EXPECT_EQ(series_.others().cpu_us, 1000u);
  EXPECT_EQ(Sum(), (bounds::kCanvasSeries + 10) * 100);
}

TEST_F(CanvasSeriesTest, WhoeverUsesMoreTakesThePlaceOfTheLeastInTime) {
  for (size_t i = 0; i < bounds::kCanvasSeries; ++i) Use(Name(i), 10'000 * (i + 1));
  Use("heavy", 5'000'000);
  Pass(61s);
  EXPECT_FALSE(Shown("heavy")) << "places are kept for a while";
  Pass(bounds::kCanvasSeriesTime);
  EXPECT_TRUE(Shown("heavy"));
  EXPECT_FALSE(Shown(Name(0)));
  EXPECT_TRUE(Shown(Name(1)));
  Use("heavy", 7);
  EXPECT_EQ(series_.shown().at("heavy").figures.cpu_us, 7u) << "what was before is the others'";
  EXPECT_EQ(series_.others().cpu_us, 5'000'000u);
}

TEST_F(CanvasSeriesTest, WhoeverUsesLittleDisplacesNobody) {
  for (size_t i = 0; i < bounds::kCanvasSeries; ++i) Use(Name(i), 10'000'000);
  for (size_t i = 0; i < 1000; ++i) Use("small-" + std::to_string(i), 2000);
  Pass(bounds::kCanvasSeriesTime + 61s);
  for (size_t i = 0; i < bounds::kCanvasSeries; ++i) EXPECT_TRUE(Shown(Name(i)));
}

// Whatever comes: few at a time, few new names, and no count that goes down.
TEST_F(CanvasSeriesTest, NamesAndCountsAreBounded) {
  std::mt19937_64 random(11);
  std::map<std::string, uint64_t> before;
  uint64_t others_before = 0;
  size_t new_names = 0;
  constexpr auto kTime = 6h;
  for (Nanos passed(0); passed < kTime; passed += 1s) {
    for (int i = 0; i < 5; ++i) Use(Name(random() % 3000), random() % 300'000);
    Pass(1s);
    ASSERT_LE(series_.shown().size(), bounds::kCanvasSeries);
    ASSERT_GE(series_.others().cpu_us, others_before);
    others_before = series_.others().cpu_us;
    std::map<std::string, uint64_t> now;
    for (const auto& [canvas, shown] : series_.shown()) {
      now[canvas] = shown.figures.cpu_us;
      auto at = before.find(canvas);
      if (at == before.end()) {
        ++new_names;
      } else {
        ASSERT_GE(shown.figures.cpu_us, at->second);
      }
    }
    before = std::move(now);
  }
  EXPECT_LE(new_names, bounds::kCanvasSeries * (1 + kTime / bounds::kCanvasSeriesTime));
  EXPECT_GT(new_names, bounds::kCanvasSeries);
}

}  // namespace
}  // namespace nightjar
