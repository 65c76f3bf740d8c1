// Who may include whom: the rule of docs/ARCHITECTURE.md, enforced.

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "tests/tidy/source_tree.h"

namespace nightjar::tidy {
namespace {

// A room (a folder, or its whole subtree) and the rooms it may include from. A room may always
// include itself.
const std::map<std::string, std::set<std::string>> kMayInclude = {
    {"ipc/core", {}},
    {"ipc/proto", {}},
    {"ipc/redact", {"ipc/core", "ipc/proto"}},
    {"ipc/wire", {"ipc/core"}},
    {"ipc/ring", {"ipc/core", "ipc/proto"}},
    {"ipc/ledger", {"ipc/core", "ipc/proto"}},
    {"policies", {"ipc/core"}},
    {"rules", {"ipc/core", "ipc/proto", "policies"}},
    {"worker", {"ipc/core", "ipc/proto", "ipc/redact", "ipc/wire", "ipc/ring"}},
    {"supervisor/policy", {"ipc/core", "ipc/proto", "policies"}},
    {"supervisor/loop", {"ipc/core"}},
    {"supervisor/http", {"ipc/core", "supervisor/loop"}},
    {"supervisor/route", {"ipc/core", "ipc/proto"}},
    {"supervisor/front", {"ipc/core", "ipc/proto", "supervisor/http", "supervisor/route"}},
    {"supervisor/canvas", {"ipc/core", "ipc/proto", "supervisor/route"}},
    {"supervisor/admission", {"ipc/core", "policies"}},
    {"supervisor/host", {"ipc/core", "ipc/proto", "supervisor/cell"}},
    {"supervisor/proc", {"ipc/core", "ipc/proto", "ipc/wire", "supervisor/loop"}},
    {"supervisor/cell", {"ipc/core", "policies"}},
    {"supervisor/journal", {"ipc/core", "ipc/proto", "ipc/wire", "ipc/ledger", "supervisor/loop"}},
    {"supervisor/watch",
     {"ipc/core", "ipc/proto", "ipc/redact", "policies", "supervisor/policy", "supervisor/loop",
      "supervisor/cell", "supervisor/proc"}},
    {"supervisor/pool",
     {"ipc/core", "ipc/proto", "ipc/wire", "ipc/ring", "policies", "supervisor/loop",
      "supervisor/cell", "supervisor/proc", "supervisor/watch", "supervisor/canvas",
      "supervisor/journal"}},
    {"supervisor/metrics", {"ipc/core"}},
    {"supervisor/usage",
     {"ipc/core", "ipc/proto", "policies", "supervisor/journal", "supervisor/metrics"}},
    {"supervisor/feed", {"ipc/core", "ipc/proto"}},
    {"supervisor/controls",
     {"ipc/core", "ipc/proto", "policies", "supervisor/loop", "supervisor/journal"}},
    {"supervisor/run",
     {"ipc/core", "ipc/proto", "ipc/redact", "policies", "supervisor/loop", "supervisor/cell",
      "supervisor/proc", "supervisor/watch", "supervisor/canvas", "supervisor/journal",
      "supervisor/pool", "supervisor/metrics"}},
    {"supervisor/rules",
     {"ipc/core", "ipc/proto", "policies", "rules", "supervisor/policy", "supervisor/canvas",
      "supervisor/journal", "supervisor/controls", "supervisor/run"}},
    {"supervisor/control",
     {"ipc/core", "ipc/proto", "ipc/redact", "policies", "supervisor/policy", "supervisor/loop",
      "supervisor/http", "supervisor/cell", "supervisor/watch", "supervisor/feed",
      "supervisor/canvas", "supervisor/journal", "supervisor/pool", "supervisor/metrics",
      "supervisor/run", "supervisor/controls", "supervisor/rules"}},
    {"supervisor/writer",
     {"ipc/core", "ipc/proto", "ipc/redact", "ipc/wire", "ipc/ring", "ipc/ledger", "policies",
      "supervisor/loop"}},
    {"supervisor/cli", {"ipc/core", "ipc/proto", "policies", "rules", "supervisor/policy"}},
    {"conformance",
     {"ipc/core", "ipc/proto", "ipc/ring", "worker", "supervisor/loop", "supervisor/http",
      "supervisor/route", "supervisor/front"}},
    // supervisor/app knows everyone.
};

// Libraries that only some rooms may know.
const std::map<std::string, std::set<std::string>> kOnlyIn = {
    {"<uv.h>", {"supervisor/loop"}},
    {"<spdlog/", {"ipc/core"}},
    {"<libcgroup.h>", {"supervisor/cell"}},
    {"<boost/beast", {"supervisor/http"}},
    {"<toml++", {"policies"}},
    {"<sqlite3.h>", {"supervisor/writer"}},
    {"<libpq-fe.h>", {"supervisor/writer/shared"}},
    {"<curl/", {"supervisor/cli", "supervisor/writer/s3"}},
    {"<prometheus/", {"supervisor/metrics"}},
    {"<seccomp.h>", {"ipc/core", "worker/sandbox"}},
    {"<nettle/",
     {"ipc/redact", "policies", "supervisor/cli", "supervisor/writer", "worker/stdlib"}},
    {"<argon2.h>", {"worker/stdlib"}},
};

std::string RoomOf(const std::string& path) {
  for (const auto& [room, allowed] : kMayInclude)
    if (path.rfind(room + "/", 0) == 0) return room;
  if (path.rfind("supervisor/app/", 0) == 0) return "supervisor/app";
  return "";
}

bool InProduct(const std::string& path) {
  return path.rfind("tests/", 0) != 0;
}

TEST(IncludeTest, EachRoomIncludesOnlyWhatItMay) {
  for (const SourceFile& file : ReadTree({".h", ".cc"})) {
    std::string room = RoomOf(file.path);
    if (!InProduct(file.path) || room.empty() || room == "supervisor/app") continue;
    for (const std::string& line : file.lines) {
      if (line.rfind("#include \"", 0) != 0) continue;
      std::string target = line.substr(10, line.find('"', 10) - 10);
      std::string other = RoomOf(target);
      ASSERT_FALSE(other.empty()) << file.path << " includes " << target << ", which is in no room";
      EXPECT_TRUE(other == room || kMayInclude.at(room).count(other) == 1)
          << file.path << " includes " << target << ": " << room << " must not know " << other;
    }
  }
}

TEST(IncludeTest, EveryRoomOfTheProductHasARule) {
  for (const SourceFile& file : ReadTree({".h", ".cc"}))
    if (InProduct(file.path)) {
      EXPECT_NE(RoomOf(file.path), "") << file.path;
    }
}

TEST(IncludeTest, LibrariesStayInTheirRoom) {
  for (const SourceFile& file : ReadTree({".h", ".cc"})) {
    if (!InProduct(file.path)) continue;
    for (const std::string& line : file.lines) {
      if (line.rfind("#include <", 0) != 0) continue;
      for (const auto& [library, rooms] : kOnlyIn) {
        if (line.find(library) == std::string::npos) continue;
        EXPECT_TRUE(std::any_of(
            rooms.begin(), rooms.end(),
            [&](const std::string& room) { return file.path.rfind(room + "/", 0) == 0; }))
            << file.path << ": " << line;
      }
    }
  }
}

}  // namespace
}  // namespace nightjar::tidy
