// What policy leaves out of traces is nowhere: each byte that a server stored or logged is read.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "supervisor/writer/missed_index.h"
#include "supervisor/writer/trace_index.h"
#include "supervisor/writer/trace_reader.h"
#include "tests/support/server_rig.h"

namespace nightjar::e2e {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kPolicy = R"([default]
wall = "5s"
cpu = "300ms"
trace_hash = ["session"]
trace_index = ["authorization", "cookie", "session", "password", "token"]
[canvas.vault]
exec = true
)";

constexpr const char* kCanvas = R"([fn carry text:Str count:Int]
if count > 400
then text ++ "!"
else carry (text ++ ".") (count + 1)

[fn hold text:Str count:Int]
hold (text ++ ".") (count + 1)

[fn all request:Any token:Str]
String.dropFirst_v0 request.headers.authorization 7
++ request.cookies.id
++ request.headers.session
++ token
++ request.body.password
++ request.queryParams.token

[http-handler POST /echo/:token]
let text = all request token
Http.responseWithHeaders_v0 (carry text 0) { ``Set-Cookie`` = text } 200

[http-handler POST /hold/:token]
carry (hold (all request token) 0) 0

[http-handler POST /wrong/:token]
Int.add_v0 (all request token) 1

[exec-handler POST /program/:token]
/bin/sh -c 'read body; echo $HTTP_AUTHORIZATION $HTTP_COOKIE $HTTP_SESSION $REQUEST_URI $body;
  echo $body >&2;
  case $ROUTE_TOKEN in path*) ;; *) exit 0;; esac;
  sh -c ": $HTTP_AUTHORIZATION $QUERY_STRING; while :; do :; done"'
)";

const std::vector<std::string> kSecrets = {"bearer-secret", "cookie-secret", "session-secret",
                                           "json-secret",   "query-secret",  "path-secret"};
constexpr const char* kShown = "nothing-to-hide";

std::string FileOf(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// Every block of a trace object.
std::string Unpacked(const std::string& object) {
  std::string all;
  uint64_t at = 16;
  while (auto block = OpenBlock(object, at)) {
    all += block->raw;
    at += block->stored_size;
  }
  return all;
}

// Every value of every row.
std::string Rows(const std::filesystem::path& path) {
  const int version = path.filename() == "index.db"    ? TraceIndex::kVersion
                      : path.filename() == "missed.db" ? MissedIndex::kVersion
                                                       : 1;
  auto db = Database::Open(path, Durability::kLazy, "", version);
  EXPECT_TRUE(db) << path;
  if (!db) return "";
  auto column = [&](const std::string& query) {
    std::vector<std::string> values;
    auto rows = (*db)->Prepare(query.c_str());
    EXPECT_TRUE(rows) << query;
    while (rows && *rows->Step()) values.emplace_back(rows->Bytes(0));
    return values;
  };
  std::string all;
  for (const std::string& table : column("SELECT name FROM sqlite_master WHERE type = 'table'"))
    for (const std::string& name : column("SELECT name FROM pragma_table_info('" + table + "')"))
      for (const std::string& value :
           column("SELECT CAST(\"" + name + "\" AS BLOB) FROM \"" + table + "\""))
        all += value + "\n";
  return all;
}

class RedactedTest : public ::testing::Test {
 protected:
  explicit RedactedTest(const std::string& policy = kPolicy) : server_(policy) {
    Output deployed = server_.Deploy("vault", kCanvas);
    EXPECT_EQ(deployed.exit_code, 0) << deployed.err;
  }

  std::string Post(const std::string& path) {
    const std::string body =
        "{\"password\": \"json-secret\", \"name\": \"" + std::string(kShown) + "\"}\n";
    return server_.Raw("POST " + path +
                       "?token=query-secret&a=b HTTP/1.1\r\nHost: vault\r\nConnection: close\r\n"
                       "Authorization: Bearer bearer-secret\r\nCookie: id=cookie-secret\r\n"
                       "Session: session-secret\r\nContent-Type: application/json\r\n"
                       "Content-Length: " +
                       std::to_string(body.size()) + "\r\n\r\n" + body);
  }

  std::string IncidentOf(const std::string& answer) {
    EXPECT_THAT(answer, HasSubstr("x-nightjar-verdict: cpu_time"));
    const std::string before = "x-nightjar-trace: ";
    size_t at = answer.find(before);
    if (at == std::string::npos) return "";
    at += before.size();
    Output shown;
    Eventually([&] {
      shown = server_.Cli({"incident", answer.substr(at, answer.find('\r', at) - at)});
      return shown.exit_code == 0;
    });
    return shown.out;
  }

  // Ends the server, and reads all that it has left.
  std::string EverythingStored() {
    EXPECT_EQ(server_.Stop(), 0);
    std::string all = server_.log();
    size_t objects = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(server_.state())) {
      if (!entry.is_regular_file()) continue;
      std::string bytes = FileOf(entry.path());
      all += bytes;
      if (entry.path().extension() == ".db") all += Rows(entry.path());
      if (!bytes.starts_with("NJTRACE\n")) continue;
      ++objects;
      all += Unpacked(bytes);
    }
    EXPECT_GE(objects, 1u);
    return all;
  }

  void ExpectNoSecretIn(const std::string& all) {
    for (const std::string& secret : kSecrets) {
      size_t at = all.find(secret);
      if (at == std::string::npos) continue;
      size_t from = at < 200 ? 0 : at - 200;
      ADD_FAILURE() << secret << " is stored: " << all.substr(from, 400);
    }
  }

  Server server_;
};

class UnredactedTest : public RedactedTest {
 protected:
  UnredactedTest() : RedactedTest("[default]\nexec = true\ntrace_drop = []\n") {}
};

TEST_F(RedactedTest, NoStoredByteShowsASecretOfTheRequest) {
  std::string echoed = Post("/echo/path-secret");
  for (const std::string& secret : kSecrets) EXPECT_THAT(echoed, HasSubstr(secret));
  EXPECT_THAT(Post("/wrong/path-secret"), HasSubstr(" 500 "));
  EXPECT_THAT(Post("/hold/path-secret"), HasSubstr("x-nightjar-verdict"));
  std::string printed = Post("/program/short-path");
  EXPECT_THAT(printed, HasSubstr("bearer-secret"));
  std::string incident;
  // On a busy machine a look at the processes may come too late.
  EXPECT_TRUE(Eventually([&] {
    incident = IncidentOf(Post("/program/path-secret"));
    return incident.find("Its processes just before it was stopped (") != std::string::npos;
  })) << incident;
  EXPECT_THAT(incident, HasSubstr(": <redacted> token=<redacted>&a=b; while :; do :; done"));
  EXPECT_THAT(Post("/nobody-takes-this"), HasSubstr(" 404 "));
  // Kept by now, and run once more.
  EXPECT_EQ(server_.Cli({"handler-from-404", "vault", "POST /nobody-takes-this"}).exit_code, 0);
  std::string all = EverythingStored();
  ExpectNoSecretIn(all);
  EXPECT_NE(all.find("POST /nobody-takes-this?token=<redacted>&a=b"), std::string::npos);
  // The search sees what lies there: compressed events, rows, and what a trace shows of a request.
  EXPECT_NE(all.find(kShown), std::string::npos);
  EXPECT_NE(all.find("POST /hold/<redacted>?token=<redacted>&a=b"), std::string::npos);
  EXPECT_NE(all.find("<sha256:"), std::string::npos);
}

TEST_F(UnredactedTest, TheSearchFindsWhatPolicyDoesNotLeaveOut) {
  Post("/echo/path-secret");
  std::string all = EverythingStored();
  for (const std::string& secret : kSecrets) EXPECT_NE(all.find(secret), std::string::npos);
}

TEST_F(RedactedTest, AHashedValueIsTheSameInTwoRunsAndAfterARestart) {
  Post("/echo/path-secret");
  EXPECT_EQ(server_.Stop(), 0);
  server_.Restart();
  ASSERT_TRUE(server_.WaitReady());
  Post("/echo/path-secret");
  std::string all = EverythingStored();
  ExpectNoSecretIn(all);
  std::set<std::string> hashes;
  size_t found = 0;
  for (size_t at = all.find("<sha256:"); at != std::string::npos;
       at = all.find("<sha256:", at + 1)) {
    hashes.insert(all.substr(at, 25));
    ++found;
  }
  EXPECT_EQ(hashes.size(), 1u);
  EXPECT_GE(found, 2u);
}

TEST_F(RedactedTest, TheKeyIsRootsAlone) {
  std::filesystem::path key = server_.state() + "/redaction.key";
  EXPECT_EQ(std::filesystem::file_size(key), 32u);
  EXPECT_EQ(std::filesystem::status(key).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

}  // namespace
}  // namespace nightjar::e2e
