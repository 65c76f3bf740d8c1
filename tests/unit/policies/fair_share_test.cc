#include "policies/fair_share.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <vector>

namespace nightjar::policy {
namespace {

TEST(FairShareTest, TheFirstOfThoseAlikeIsNext) {
  std::vector<Claim> claims{{100, 3}, {100, 2}, {100, 2}};
  EXPECT_EQ(NextInTurn(claims), 1u);
  EXPECT_EQ(FirstToGive(claims), 0u);
}

TEST(FairShareTest, WhoHasMoreWeightHasMorePlaces) {
  std::vector<Claim> claims{{300, 0}, {100, 0}};
  for (int i = 0; i < 40; ++i) ++claims[NextInTurn(claims)].held;
  EXPECT_EQ(claims[0].held, 30u);
  EXPECT_EQ(claims[1].held, 10u);
}

// With everybody hungry all the time: nobody is below its share, rounded down, at any moment.
TEST(FairShareTest, NobodyIsBelowItsShare) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    std::vector<Claim> claims(1 + random() % 20);
    for (Claim& claim : claims) claim.weight = 1 + random() % 10'000;
    uint64_t all = std::accumulate(claims.begin(), claims.end(), uint64_t{0},
                                   [](uint64_t sum, const Claim& c) { return sum + c.weight; });
    for (uint64_t places = 1; places <= 300; ++places) {
      ++claims[NextInTurn(claims)].held;
      for (const Claim& claim : claims) EXPECT_GE(claim.held, places * claim.weight / all);
    }
  }
}

// Places come and go at random; whoever waits is served before the others have had so many that
// its weight would have paid for one more.
TEST(FairShareTest, NobodyWaitsForEver) {
  std::mt19937 random(8);
  for (int round = 0; round < 200; ++round) {
    std::vector<Claim> claims(2 + random() % 10);
    for (Claim& claim : claims) claim = {1 + random() % 100, random() % 50};
    size_t patient = random() % claims.size();
    uint64_t served_before = claims[patient].held;
    uint64_t most = 0;
    for (const Claim& claim : claims)
      most += (served_before + 1) * claim.weight / claims[patient].weight + 1;
    uint64_t turns = 0;
    while (claims[patient].held == served_before) {
      ++claims[NextInTurn(claims)].held;
      ASSERT_LE(++turns, most);
    }
  }
}

TEST(FairShareTest, WhoGivesIsWhoHasMostForItsWeight) {
  std::mt19937 random(9);
  for (int round = 0; round < 1000; ++round) {
    std::vector<Claim> claims(1 + random() % 10);
    for (Claim& claim : claims) claim = {1 + random() % 10'000, random() % 4096};
    const Claim& gives = claims[FirstToGive(claims)];
    for (const Claim& claim : claims)
      EXPECT_GE(gives.held * claim.weight, claim.held * gives.weight);
  }
}

}  // namespace
}  // namespace nightjar::policy
