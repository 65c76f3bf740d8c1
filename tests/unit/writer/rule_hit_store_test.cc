#include "supervisor/writer/rule_hit_store.h"

#include <gmock/gmock.h>

#include "ipc/core/bounds.h"
#include "ipc/core/ids.h"
#include "tests/unit/writer/writer_rig.h"

namespace nightjar::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

class RuleHitStoreTest : public ::testing::Test {
 protected:
  RuleHitStoreTest() { Open(); }
  void Open() {
    store_.reset();
    auto store = RuleHitStore::Create(dir_ / "rule_hits.db");
    ASSERT_TRUE(store) << store.error().ToString();
    store_ = std::move(*store);
  }
  proto::RuleHit Hit(const std::string& rule) {
    clock_.Advance(std::chrono::seconds(1));
    proto::RuleHit hit;
    hit.set_id(RunId::New(clock_.Wall()).ToString());
    hit.set_rule(rule);
    hit.set_canvas("demo");
    return hit;
  }
  void Save(const proto::RuleHit& hit) {
    Status saved = store_->Save(hit);
    EXPECT_TRUE(saved) << saved.error().ToString();
  }
  std::vector<std::string> Rules(const std::string& after = "") {
    proto::RuleHitsWanted wanted;
    wanted.set_after(after);
    auto list = store_->List(wanted);
    EXPECT_TRUE(list) << list.error().ToString();
    std::vector<std::string> rules;
    if (list)
      for (const proto::RuleHit& hit : list->hits())
        rules.push_back(hit.rule() + (hit.ended_unix_us() == 0 ? " open" : ""));
    return rules;
  }

  FakeClock clock_;
  TempDir dir_;
  std::unique_ptr<RuleHitStore> store_;
};

TEST_F(RuleHitStoreTest, TheNewestWordOfAHitCountsAndOutlivesItsWriter) {
  proto::RuleHit one = Hit("one"), two = Hit("two");
  Save(one);
  Save(two);
  one.set_ended_unix_us(UnixMicros(clock_.Wall()));
  Save(one);
  Open();
  EXPECT_THAT(Rules(), ElementsAre("two open", "one"));
  EXPECT_THAT(Rules(two.id()), ElementsAre("one"));
}

TEST_F(RuleHitStoreTest, OfThoseThatAreOverTheNewestStay) {
  Save(Hit("open"));
  for (size_t i = 0; i < bounds::kRuleHitsEnded + 2; ++i) {
    proto::RuleHit hit = Hit(std::to_string(i));
    hit.set_ended_unix_us(UnixMicros(clock_.Wall()));
    Save(hit);
  }
  const std::vector<std::string> rules = Rules();
  EXPECT_THAT(rules, SizeIs(bounds::kRuleHitsEnded + 1));
  EXPECT_EQ(rules.back(), "open open");
  EXPECT_EQ(rules[rules.size() - 2], "2");
}

TEST_F(RuleHitStoreTest, AHitOfNothingIsRefused) {
  proto::RuleHit hit = Hit("one");
  hit.set_id("1");
  EXPECT_FALSE(store_->Save(hit));
  hit = Hit("");
  EXPECT_FALSE(store_->Save(hit));
  hit = Hit("one");
  hit.set_canvas("");
  EXPECT_FALSE(store_->Save(hit));
  EXPECT_THAT(Rules(), ElementsAre());
}

}  // namespace
}  // namespace nightjar::testing
