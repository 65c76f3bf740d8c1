#include "supervisor/writer/missed_index.h"

#include <gmock/gmock.h>

#include "ipc/core/bounds.h"
#include "tests/unit/writer/writer_rig.h"

namespace nightjar::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class MissedIndexTest : public ::testing::Test {
 protected:
  MissedIndexTest() { Open(); }

  void Open() {
    index_.reset();
    auto index = MissedIndex::Create(dir_ / "missed.db");
    ASSERT_TRUE(index) << index.error().ToString();
    index_ = std::move(*index);
  }
  static void Put(proto::RoutesMissed& to, const std::string& path, int64_t at, uint64_t count = 1,
                  const std::string& canvas = "demo") {
    proto::MissedRoute& route = *to.add_routes();
    route.set_canvas(canvas);
    route.set_method("GET");
    route.set_path(path);
    route.set_count(count);
    route.set_first_unix_us(at);
    route.set_last_unix_us(at);
    route.set_request_line("GET " + path + "?at=" + std::to_string(at));
    route.set_caller("at " + std::to_string(at));
  }
  Result<proto::MissedRoute> Get(const std::string& path) {
    proto::GetMissed question;
    question.set_canvas("demo");
    question.set_method("GET");
    question.set_path(path);
    return index_->Get(question);
  }
  std::vector<proto::MissedRoute> List(const std::string& canvas = "demo") {
    proto::ListMissed question;
    question.set_canvas(canvas);
    auto list = index_->List(question);
    EXPECT_TRUE(list) << list.error().ToString();
    return {list->routes().begin(), list->routes().end()};
  }
  std::vector<std::string> Paths(const std::string& canvas = "demo") {
    std::vector<std::string> paths;
    for (const auto& route : List(canvas)) paths.push_back(route.path());
    return paths;
  }

  TempDir dir_;
  std::unique_ptr<MissedIndex> index_;
};

TEST_F(MissedIndexTest, EachCanvasHasItsRoutesNewestFirst) {
  proto::RoutesMissed missed;
  Put(missed, "/b", 2);
  Put(missed, "/c", 3);
  Put(missed, "/a", 1);
  Put(missed, "/other", 9, 1, "other");
  ASSERT_TRUE(index_->Add(missed));
  EXPECT_THAT(Paths(), ElementsAre("/c", "/b", "/a"));
  EXPECT_THAT(Paths("other"), ElementsAre("/other"));
  EXPECT_THAT(Paths("nobody"), IsEmpty());
}

TEST_F(MissedIndexTest, ARouteIsOneRowThatCountsAndShowsItsNewestRequest) {
  proto::RoutesMissed missed;
  Put(missed, "/a", 5, 2);
  ASSERT_TRUE(index_->Add(missed));
  missed.clear_routes();
  Put(missed, "/a", 3, 4);  // later told, earlier seen
  ASSERT_TRUE(index_->Add(missed));
  Open();
  missed.clear_routes();
  Put(missed, "/a", 8, 1);
  ASSERT_TRUE(index_->Add(missed));
  ASSERT_EQ(List().size(), 1u);
  const proto::MissedRoute route = List()[0];
  EXPECT_EQ(route.canvas(), "demo");
  EXPECT_EQ(route.method(), "GET");
  EXPECT_EQ(route.count(), 7u);
  EXPECT_EQ(route.first_unix_us(), 3);
  EXPECT_EQ(route.last_unix_us(), 8);
  EXPECT_EQ(route.request_line(), "GET /a?at=8");
  EXPECT_EQ(route.caller(), "at 8");
  missed.clear_routes();
  Put(missed, "/a", 4);
  ASSERT_TRUE(index_->Add(missed));
  EXPECT_EQ(List()[0].request_line(), "GET /a?at=8");
  EXPECT_EQ(List()[0].caller(), "at 8");
}

TEST_F(MissedIndexTest, OfEachCanvasTheNewestAreKept) {
  proto::RoutesMissed missed;
  Put(missed, "/of another", 0, 1, "other");
  for (size_t i = 0; i < bounds::kMissedRoutesKept + 3; ++i)
    Put(missed, "/" + std::to_string(i), static_cast<int64_t>(i) + 1);
  ASSERT_TRUE(index_->Add(missed));
  auto paths = Paths();
  ASSERT_EQ(paths.size(), bounds::kMissedRoutesKept);
  EXPECT_EQ(paths.back(), "/3");
  missed.clear_routes();
  Put(missed, "/new", 1'000);
  ASSERT_TRUE(index_->Add(missed));
  paths = Paths();
  ASSERT_EQ(paths.size(), bounds::kMissedRoutesKept);
  EXPECT_EQ(paths.front(), "/new");
  EXPECT_EQ(paths.back(), "/4");
  EXPECT_THAT(Paths("other"), ElementsAre("/of another"));
}

TEST_F(MissedIndexTest, AFileOfAnotherVersionIsRefused) {
  index_.reset();
  ASSERT_TRUE(Database::Open(dir_ / "other.db", Durability::kLazy, "", 7));
  EXPECT_FALSE(MissedIndex::Create(dir_ / "other.db"));
}

TEST_F(MissedIndexTest, KeepsTheNewestRequestThatItWasGiven) {
  proto::RoutesMissed missed;
  Put(missed, "/a", 5);
  missed.mutable_routes(0)->mutable_request()->set_body("at five");
  ASSERT_TRUE(index_->Add(missed));
  EXPECT_EQ(Get("/a")->request().body(), "at five");
  EXPECT_EQ(Get("/b").error().code, ErrorCode::kNotFound);
  missed.Clear();
  Put(missed, "/a", 9);  // without one
  ASSERT_TRUE(index_->Add(missed));
  EXPECT_EQ(Get("/a")->request().body(), "at five");
  EXPECT_EQ(Get("/a")->last_unix_us(), 9);
  missed.Clear();
  Put(missed, "/a", 7);  // older than what is there
  missed.mutable_routes(0)->mutable_request()->set_body("at seven");
  Put(missed, "/a", 11);
  missed.mutable_routes(1)->mutable_request()->set_body("at eleven");
  ASSERT_TRUE(index_->Add(missed));
  EXPECT_EQ(Get("/a")->request().body(), "at eleven");
  for (const proto::MissedRoute& route : List()) EXPECT_FALSE(route.has_request());
}

TEST_F(MissedIndexTest, TakesOverTheFileOfTheVersionBefore) {
  index_.reset();
  std::filesystem::remove(dir_ / "missed.db");
  constexpr const char* kVersionOne = R"(
    CREATE TABLE missed (
      canvas TEXT NOT NULL, method TEXT NOT NULL, path TEXT NOT NULL, count INTEGER NOT NULL,
      first_us INTEGER NOT NULL, last_us INTEGER NOT NULL, request_line TEXT NOT NULL,
      caller TEXT NOT NULL, PRIMARY KEY (canvas, method, path)) WITHOUT ROWID;
    CREATE INDEX missed_by_time ON missed (canvas, last_us);
    INSERT INTO missed VALUES ('demo', 'GET', '/old', 2, 1, 2, 'GET /old', 'x'))";
  ASSERT_TRUE(Database::Open(dir_ / "missed.db", Durability::kLazy, kVersionOne, 1));
  Open();
  ASSERT_TRUE(Get("/old"));
  EXPECT_EQ(Get("/old")->count(), 2u);
  EXPECT_FALSE(Get("/old")->has_request());
}

}  // namespace
}  // namespace nightjar::testing
