#include "supervisor/writer/catalog.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/writer/writer_rig.h"

namespace nightjar::testing {
namespace {

Catalog::Revision Revision(std::string canvas, RevisionNumber number, std::string text = "x") {
  Catalog::Revision revision;
  revision.canvas = std::move(canvas);
  revision.number = number;
  revision.source = "source " + text;
  revision.program = "program " + text;
  revision.manifest.add_handlers()->set_name("GET /" + text);
  revision.deployed_by = "uid 0";
  return revision;
}

class CatalogTest : public ::testing::Test {
 protected:
  std::unique_ptr<Catalog> Open() {
    auto catalog = Catalog::Create(dir_ / "catalog.db", clock_);
    EXPECT_TRUE(catalog) << catalog.error().ToString();
    return std::move(*catalog);
  }

  TempDir dir_;
  FakeClock clock_;
};

TEST_F(CatalogTest, WalksTheNewestRevisionOfEachCanvasInOrder) {
  auto catalog = Open();
  ASSERT_TRUE(catalog->Save(Revision("zoo", 1)));
  ASSERT_TRUE(catalog->Save(Revision("alpha", 1, "old")));
  ASSERT_TRUE(catalog->Save(Revision("alpha", 2, "new")));
  catalog.reset();
  catalog = Open();

  auto first = catalog->NextAfter("");
  ASSERT_TRUE(first && *first);
  EXPECT_EQ((*first)->entry.canvas(), "alpha");
  EXPECT_EQ((*first)->entry.revision(), 2u);
  EXPECT_EQ((*first)->entry.manifest().handlers(0).name(), "GET /new");
  EXPECT_EQ((*first)->entry.deployed_unix_ms(), UnixMillis(clock_.Wall()));
  EXPECT_EQ((*first)->program, "program new");
  EXPECT_EQ((*first)->entry.program_bytes(), (*first)->program.size());
  auto second = catalog->NextAfter("alpha");
  ASSERT_TRUE(second && *second);
  EXPECT_EQ((*second)->entry.canvas(), "zoo");
  auto end = catalog->NextAfter("zoo");
  ASSERT_TRUE(end);
  EXPECT_FALSE(end->has_value());
}

TEST_F(CatalogTest, TakesTheSameRevisionTwiceButNotAnotherUnderItsNumber) {
  auto catalog = Open();
  ASSERT_TRUE(catalog->Save(Revision("demo", 5)));
  EXPECT_TRUE(catalog->Save(Revision("demo", 5)));
  EXPECT_EQ(catalog->Save(Revision("demo", 5, "y")).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(catalog->Save(Revision("demo", 4)).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(catalog->Save(Revision("../demo", 6)).error().code, ErrorCode::kInvalid);
  EXPECT_EQ((*catalog->NextAfter(""))->entry.revision(), 5u);
}

TEST_F(CatalogTest, KeepsAllSourcesAndTheNewestPrograms) {
  auto catalog = Open();
  ASSERT_TRUE(catalog->Save(Revision("other", 1)));
  for (RevisionNumber i = 1; i <= 15; ++i) ASSERT_TRUE(catalog->Save(Revision("demo", i)));
  catalog.reset();
  auto db = Database::Open(dir_ / "catalog.db", Durability::kLazy, "", 1);
  ASSERT_TRUE(db);
  auto count = [&](const char* sql) {
    auto ask = (*db)->Prepare(sql);
    EXPECT_TRUE(ask && ask->Step());
    return ask->Int(0);
  };
  EXPECT_EQ(count("SELECT count(*) FROM revisions WHERE canvas = 'demo'"), 15);
  EXPECT_EQ(count("SELECT count(*) FROM programs WHERE canvas = 'demo'"), 10);
  EXPECT_EQ(count("SELECT min(revision) FROM programs WHERE canvas = 'demo'"), 6);
  EXPECT_EQ(count("SELECT count(*) FROM programs WHERE canvas = 'other'"), 1);
}

// The child saves revisions and reports each over a pipe until it is killed at some instant: what
// it reported must be there.
TEST_F(CatalogTest, HasEverySavedRevisionAfterAKill) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  pid_t child = fork();
  if (child == 0) {
    auto catalog = Catalog::Create(dir_ / "catalog.db", clock_);
    for (uint8_t i = 1; catalog && (*catalog)->Save(Revision("demo", i)) && i < 255; ++i)
      if (write(ends[1], &i, 1) != 1) break;
    pause();
    _exit(1);
  }
  close(ends[1]);
  uint8_t reported = 0;
  while (reported < 20 && read(ends[0], &reported, 1) == 1) continue;
  EXPECT_EQ(kill(child, SIGKILL), 0);
  EXPECT_EQ(waitpid(child, nullptr, 0), child);
  while (read(ends[0], &reported, 1) == 1) continue;
  close(ends[0]);
  EXPECT_GE(reported, 20);

  auto catalog = Open();
  auto newest = catalog->NextAfter("");
  ASSERT_TRUE(newest && *newest);
  EXPECT_GE((*newest)->entry.revision(), reported);
  EXPECT_TRUE(catalog->Save(Revision("demo", 1000)));
}

}  // namespace
}  // namespace nightjar::testing
