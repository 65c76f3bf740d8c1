#include "supervisor/writer/local_store.h"

#include <fstream>

#include "tests/unit/writer/writer_rig.h"

namespace nightjar::testing {
namespace {

TEST(TraceKeyTest, IsADayACanvasAndAnId) {
  RunId run = RunAt(0);
  EXPECT_EQ(*TraceKey("demo", run), "week/2023-11-14/demo/" + run.ToString() + ".njt");
  EXPECT_EQ(*KeptKey("demo", UINT64_MAX, 9), "kept/demo/18446744073709551615/9.njt");
  EXPECT_EQ(*EvidenceKey("demo", run), "evidence/demo/" + run.ToString() + ".njt");
}

TEST(TraceKeyTest, TakesNoStrangePart) {
  EXPECT_FALSE(TraceKey("../demo", RunAt(0)));
  EXPECT_FALSE(KeptKey("../demo", 1, 1));
  EXPECT_FALSE(EvidenceKey("../demo", RunAt(0)));
  EXPECT_FALSE(TraceKey("demo", *RunId::FromBytes(std::string(16, '\0'))));  // the year 10889
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

// How many entries there are below.
size_t CountBelow(const std::string& path) {
  auto all = std::filesystem::recursive_directory_iterator(path);
  return static_cast<size_t>(std::distance(begin(all), end(all)));
}

TEST(LocalStoreTest, CopiesWithoutCopyingBytes) {
  TempDir dir;
  auto store = LocalStore::Create(dir / "traces");
  ASSERT_TRUE((*store)->Put("week/2026-11-24/demo/a.njt", "one"));
  ASSERT_TRUE((*store)->Copy("week/2026-11-24/demo/a.njt", "kept/demo/7/0.njt"));
  ASSERT_TRUE((*store)->Copy("week/2026-11-24/demo/a.njt", "kept/demo/7/0.njt"));  // again
  EXPECT_TRUE(std::filesystem::equivalent(dir / "traces/week/2026-11-24/demo/a.njt",
                                          dir / "traces/kept/demo/7/0.njt"));
  EXPECT_EQ(CountBelow(dir / "traces/unfinished"), 0u);
  ASSERT_TRUE((*store)->Delete("week/2026-11-24/demo/a.njt"));
  EXPECT_EQ(*(*store)->Get("kept/demo/7/0.njt", 10), "one");
}

TEST(LocalStoreTest, ACopyReplacesWhatIsThere) {
  TempDir dir;
  auto store = LocalStore::Create(dir / "traces");
  ASSERT_TRUE((*store)->Put("kept/demo/7/0.njt", "old"));
  ASSERT_TRUE((*store)->Put("week/2026-11-24/demo/b.njt", "new"));
  ASSERT_TRUE((*store)->Copy("week/2026-11-24/demo/b.njt", "kept/demo/7/0.njt"));
  EXPECT_EQ(*(*store)->Get("kept/demo/7/0.njt", 10), "new");
  EXPECT_EQ((*store)->Copy("week/2026-11-24/demo/none.njt", "kept/demo/7/0.njt").error().code,
            ErrorCode::kNotFound);
  EXPECT_EQ(*(*store)->Get("kept/demo/7/0.njt", 10), "new");
  EXPECT_EQ((*store)->Copy("../x", "kept/y").error().code, ErrorCode::kInvalid);
  EXPECT_EQ((*store)->Copy("kept/demo/7/0.njt", "../x").error().code, ErrorCode::kInvalid);
}

TEST(LocalStoreTest, ACopyThatACrashLeftInTheWayIsNoHindrance) {
  TempDir dir;
  auto store = LocalStore::Create(dir / "traces");
  ASSERT_TRUE((*store)->Put("week/2026-11-24/demo/b.njt", "new"));
  std::ofstream(dir / "traces/unfinished/copy") << "of a dead writer";
  ASSERT_TRUE((*store)->Copy("week/2026-11-24/demo/b.njt", "kept/demo/7/0.njt"));
  EXPECT_EQ(*(*store)->Get("kept/demo/7/0.njt", 10), "new");
}

TEST(LocalStoreTest, ExpiresWholeDaysAndNothingElse) {
  TempDir dir;
  auto store = LocalStore::Create(dir / "traces");
  ASSERT_TRUE(store);
  EXPECT_FALSE(*(*store)->ExpireBefore("2026-11-24"));  // there is no week yet
  for (const char* key : {"week/2026-11-22/demo/a", "week/2026-11-23/demo/a",
                          "week/2026-11-23/other/b", "week/2026-11-24/demo/c", "kept/demo/7/0"})
    ASSERT_TRUE((*store)->Put(key, "x"));
  std::filesystem::create_directory(dir / "traces/week/1-of-somebody");
  EXPECT_FALSE(*(*store)->ExpireBefore("2026-11-24"));
  EXPECT_FALSE((*store)->Get("week/2026-11-23/demo/a", 10));
  EXPECT_TRUE((*store)->Get("week/2026-11-24/demo/c", 10));
  EXPECT_TRUE((*store)->Get("kept/demo/7/0", 10));
  EXPECT_TRUE(std::filesystem::exists(dir / "traces/week/1-of-somebody"));
  EXPECT_EQ(CountBelow(dir / "traces/unfinished"), 0u);
}

TEST(LocalStoreTest, ALargeDayIsGoneAtOnceAndRemovedBitByBit) {
  TempDir dir;
  auto store = LocalStore::Create(dir / "traces");
  ASSERT_TRUE(store);
  const size_t files = bounds::kExpiredFilesPerCall + 10;
  for (size_t i = 0; i < files; ++i)
    ASSERT_TRUE((*store)->Put("week/2026-11-22/demo/" + std::to_string(i), ""));
  EXPECT_TRUE(*(*store)->ExpireBefore("2026-11-24"));
  EXPECT_FALSE(std::filesystem::exists(dir / "traces/week/2026-11-22"));
  // A crash in between, and a trace of that day that came late.
  store = LocalStore::Create(dir / "traces");
  ASSERT_TRUE((*store)->Put("week/2026-11-22/demo/late", ""));
  while (*(*store)->ExpireBefore("2026-11-24")) {
  }
  EXPECT_EQ(CountBelow(dir / "traces/unfinished"), 0u);
  EXPECT_FALSE(std::filesystem::exists(dir / "traces/week/2026-11-22"));
}

}  // namespace
}  // namespace nightjar::testing
