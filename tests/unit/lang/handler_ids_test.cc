#include "worker/lang/handler_ids.h"

#include <gmock/gmock.h>

#include <map>

#include "worker/lang/parser.h"

namespace nightjar::lang {
namespace {

using ::testing::Contains;
using ::testing::Key;
using ::testing::Not;

// Revisions of one canvas, each after the one before.
class HandlerIdsTest : public ::testing::Test {
 protected:
  // Ids by name; the program's are the same.
  std::map<std::string, uint64_t> Deploy(const std::string& source) {
    ParseResult parsed = ParseCanvas(source);
    EXPECT_TRUE(parsed.errors.empty()) << parsed.errors[0].message();
    KeepHandlerIds(manifest_.handlers(), parsed.program, parsed.manifest);
    manifest_ = parsed.manifest;
    std::map<std::string, uint64_t> ids;
    for (int i = 0; i < manifest_.handlers_size(); ++i) {
      EXPECT_EQ(manifest_.handlers(i).tlid(), parsed.program.handlers(i).tlid());
      EXPECT_TRUE(seen_now_.insert(manifest_.handlers(i).tlid()).second) << "an id twice";
      ids[manifest_.handlers(i).name()] = manifest_.handlers(i).tlid();
    }
    seen_now_.clear();
    return ids;
  }

 private:
  proto::Manifest manifest_;
  std::set<uint64_t> seen_now_;
};

TEST_F(HandlerIdsTest, AreKeptByAName) {
  auto first = Deploy("[http-handler GET /a]\n1\n[worker Job]\nevent\n");
  auto second = Deploy("[worker Job]\nevent + 1\n[http-handler GET /a]\n2\n");
  EXPECT_EQ(first, second);
}

TEST_F(HandlerIdsTest, FollowARename) {
  uint64_t id = Deploy("[http-handler GET /users/:id]\nlet x = 1\nx + 2\n")["GET /users/:id"];
  // Elsewhere in the file, and laid out in another way.
  auto moved = Deploy(
      "[worker Other]\nevent\n[http-handler POST /people/:id]\n"
      "// the same\nlet x = 1\n(x + 2)\n");
  EXPECT_EQ(moved["POST /people/:id"], id);
  EXPECT_NE(moved["Other"], id);
  // Under its newest name from then on, whatever its code is.
  EXPECT_EQ(Deploy("[http-handler POST /people/:id]\n3\n")["POST /people/:id"], id);
}

TEST_F(HandlerIdsTest, FollowNobodyWhoCannotBeTold) {
  auto first = Deploy("[http-handler GET /a]\n1\n[http-handler GET /b]\n1\n");
  auto second = Deploy("[http-handler GET /c]\n1\n[http-handler GET /d]\n1\n");
  for (const auto& [name, id] : first)
    for (const auto& [other, other_id] : second) EXPECT_NE(id, other_id) << name << " " << other;
}

TEST_F(HandlerIdsTest, FollowNeitherOtherCodeNorAnotherKind) {
  uint64_t id = Deploy("[http-handler GET /a]\n1\n")["GET /a"];
  EXPECT_NE(Deploy("[http-handler GET /b]\n2\n")["GET /b"], id);
  id = Deploy("[worker A]\nevent\n")["A"];
  EXPECT_NE(Deploy("[repl B]\nevent\n")["B"], id);
}

TEST_F(HandlerIdsTest, StayWithANameThatIsThereWhateverItsCodeWas) {
  auto first = Deploy("[http-handler GET /a]\n1\n[http-handler GET /b]\n2\n");
  auto swapped = Deploy("[http-handler GET /a]\n2\n[http-handler GET /b]\n1\n");
  EXPECT_EQ(first, swapped);
}

// The old name's own id is its successor's by now.
TEST_F(HandlerIdsTest, AreNotGivenTwice) {
  uint64_t id = Deploy("[http-handler GET /a]\n1\n")["GET /a"];
  EXPECT_EQ(Deploy("[http-handler GET /b]\n1\n")["GET /b"], id);
  auto both = Deploy("[http-handler GET /a]\n7\n[http-handler GET /b]\n1\n");
  EXPECT_EQ(both["GET /b"], id);
  EXPECT_NE(both["GET /a"], id);
  EXPECT_EQ(Deploy("[http-handler GET /a]\n8\n")["GET /a"], both["GET /a"]);
}

TEST_F(HandlerIdsTest, FollowAProgramOfTheHost) {
  uint64_t id = Deploy("[exec-handler GET /a]\n/bin/echo hello\n")["GET /a"];
  EXPECT_EQ(Deploy("[exec-handler GET /b]\n/bin/echo hello\n")["GET /b"], id);
  EXPECT_NE(Deploy("[exec-handler GET /c]\n/bin/echo bye\n")["GET /c"], id);
}

}  // namespace
}  // namespace nightjar::lang
