#include "supervisor/writer/local_store.h"

#include <fstream>

#include "tests/unit/writer/writer_rig.h"

namespace nightjar::testing {
namespace {

TEST(TraceKeyTest, IsADayACanvasAndAnId) {
  RunId run = RunAt(0);
  auto key = TraceKey("demo", run.ToString(), 1'700'000'000'000'000);
  ASSERT_TRUE(key);
  EXPECT_EQ(*key, "week/2023-11-14/demo/" + run.ToString() + ".njt");
}

TEST(TraceKeyTest, TakesNoStrangePart) {
  std::string run = RunAt(0).ToString();
  EXPECT_FALSE(TraceKey("../demo", run, 0));
  EXPECT_FALSE(TraceKey("demo", "../../x", 0));
  EXPECT_FALSE(TraceKey("demo", run, INT64_MAX));
}

TEST(LocalStoreTest, KeepsWhatWasPut) {
  TempDir dir;
  auto store = LocalStore::Create(dir / "traces");
  ASSERT_TRUE(store) << store.error().ToString();
  ASSERT_TRUE((*store)->Put("week/day/demo/a.njt", "one"));
  ASSERT_TRUE((*store)->Put("week/day/demo/a.njt", "two"));
  EXPECT_EQ(*(*store)->Get("week/day/demo/a.njt", 10), "two");
  EXPECT_EQ((*store)->Get("week/day/demo/a.njt", 2).error().code, ErrorCode::kExhausted);
  EXPECT_TRUE((*store)->Delete("week/day/demo/a.njt"));
  EXPECT_TRUE((*store)->Delete("week/day/demo/a.njt"));
  EXPECT_EQ((*store)->Get("week/day/demo/a.njt", 10).error().code, ErrorCode::kNotFound);
}

TEST(LocalStoreTest, RefusesKeysThatLeaveIt) {
  TempDir dir;
  auto store = LocalStore::Create(dir / "traces");
  ASSERT_TRUE(store);
  for (const char* key : {"", "/etc/x", "../x", "a/../../x", "a//b", "a/", ".x", "a/.b"}) {
    EXPECT_EQ((*store)->Put(key, "x").error().code, ErrorCode::kInvalid) << key;
    EXPECT_EQ((*store)->Get(key, 10).error().code, ErrorCode::kInvalid) << key;
  }
}

TEST(LocalStoreTest, ClearsWhatWasHalfWritten) {
  TempDir dir;
  ASSERT_TRUE(LocalStore::Create(dir / "traces"));
  std::ofstream(dir / "traces/unfinished/left.njt") << "half";
  ASSERT_TRUE(LocalStore::Create(dir / "traces"));
  EXPECT_TRUE(std::filesystem::is_empty(dir / "traces/unfinished"));
}

}  // namespace
}  // namespace nightjar::testing
