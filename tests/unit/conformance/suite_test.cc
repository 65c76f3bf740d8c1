// The runner as a whole, on small files of its own: what passes, fails and is skipped, and how it
// says so.

#include "conformance/suite.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace nightjar::conformance {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class SuiteTest : public ::testing::Test {
 protected:
  SuiteTest() {
    std::string made = ::testing::TempDir() + "suite-XXXXXX";
    folder_ = mkdtemp(made.data());
  }
  ~SuiteTest() override { std::filesystem::remove_all(folder_); }

  void Write(const std::string& path, std::string_view text) {
    std::filesystem::create_directories((folder_ / path).parent_path());
    std::ofstream(folder_ / path, std::ios::binary) << text;
  }
  Counts Run(const SuiteOptions& options) {
    std::ostringstream out;
    auto counts = RunSuite(options, out);
    said_ = out.str();
    EXPECT_TRUE(counts.has_value()) << counts.error().ToString();
    return counts.value_or(Counts{});
  }
  Counts Run() { return Run({.suite = folder_.string()}); }

  std::filesystem::path folder_;
  std::string said_;
};

TEST_F(SuiteTest, SaysWhatFailedAndWhatWasSkipped) {
  Write("execution/small.tests",
        "1 + 1 = 2\n"
        "1 + 1 = 3\n"
        "emit 1 \"Mail\" = null\n"
        "StaticAssets.baseUrlForLatest = \"x\"\n");
  Counts counts = Run();
  EXPECT_EQ(counts.passed, 1u);
  EXPECT_EQ(counts.failed, 1u);
  EXPECT_EQ(counts.skipped_in_all(), 2u);
  EXPECT_EQ(counts.skipped["queue"], 1u) << said_;
  EXPECT_EQ(counts.skipped["static assets"], 1u) << said_;
  EXPECT_THAT(said_, HasSubstr("small.tests:2: 1 + 1 = 3\n    expected 3\n    got      2\n"));
  EXPECT_THAT(said_, ::testing::EndsWith("1 passed, 1 failed, 2 skipped\n"));
}

TEST_F(SuiteTest, RunsWhatGroupsDeclare) {
  Write("execution/groups.tests",
        "[fn.double x:int]\n"
        "x * 2\n"
        "[tests.of functions]\n"
        "double 4 = 8\n"
        "(double 4) + 1 = 9 // with a comment\n"
        "[test.on several lines]\n"
        "(let x = 1\n"
        " let y = 2\n"
        " x + y) = 3\n");
  EXPECT_EQ(Run().passed, 3u) << said_;
  EXPECT_THAT(said_, Not(HasSubstr("FAILED")));
}

TEST_F(SuiteTest, ExpectsAsManyExceptionsAsACaseSays) {
  Write("execution/exceptions.tests",
        "flag \"f\" (Test.raiseException \"x\") 1 2 = 1 // EXPECTED_EXCEPTION_COUNT: 1\n"
        "flag \"f\" (Test.raiseException \"x\") 1 2 = 1\n"
        "1 = 1 // EXPECTED_EXCEPTION_COUNT: 1\n");
  Counts counts = Run();
  EXPECT_EQ(counts.passed, 1u) << said_;
  EXPECT_EQ(counts.failed, 2u) << said_;
}

TEST_F(SuiteTest, HasTheFunctionsThatOnlyTestsHave) {
  Write("execution/functions.tests",
        "Test.httpResponseStatusCode (Http.response_v0 1 201) = 201\n"
        "Test.httpResponseStatusCode (Http.redirectTo_v0 \"/a\") = 302\n"
        "Test.httpResponseBody (Http.redirectTo_v0 \"/a\") = \"\"\n"
        "Test.httpResponseHeaders (Http.responseWithHeaders_v0 1 { b = \"2\"; a = \"1\" } 200) "
        "= [[\"a\"; \"1\"]; [\"b\"; \"2\"]]\n"
        "Test.regexReplace \"a1b22\" \"[0-9]+\" \"-\" = \"a-b-\"\n"
        "(let _ = Test.incrementSideEffectCounter null in Test.sideEffectCount) = 1\n"
        "Test.toChar \"ab\" = Nothing\n"
        "Test.errorRailValue 5 = Test.errorRailValue 5\n"
        "Test.nan == Test.nan = false\n");
  EXPECT_EQ(Run().failed, 0u) << said_;
}

TEST_F(SuiteTest, AsksTheServerThatServes) {
  Write("httphandler/http/hello.test",
        "[http-handler GET /hello/:name]\n"
        "\"hi \" ++ name\n"
        "[request]\n"
        "GET /hello/world HTTP/1.1\n"
        "Host: HOST\n"
        "\n"
        "[response]\n"
        "HTTP/1.1 200 OK\n"
        "Content-Type: text/plain; charset=utf-8\n"
        "Access-Control-Allow-Origin: *\n"
        "Content-Length: LENGTH\n"
        "\n"
        "\"hi world\"");
  Counts counts = Run();
  EXPECT_EQ(counts.passed, 1u) << said_;
}

TEST_F(SuiteTest, ListsAndPicksCases) {
  Write("execution/a.tests", "1 = 1\n2 = 3\n");
  Write("execution/b.tests", "4 = 5\n");
  Counts listed = Run({.suite = folder_.string(), .list = true});
  EXPECT_EQ(listed.passed + listed.failed, 0u);
  EXPECT_THAT(said_, HasSubstr("a.tests:2: 2 = 3"));
  EXPECT_THAT(said_, HasSubstr("b.tests:1: 4 = 5"));
  EXPECT_EQ(Run({.suite = folder_.string(), .only = "1 = 1"}).failed, 0u);
  EXPECT_EQ(Run({.suite = folder_.string(), .paths = {"execution/b.tests"}}).failed, 1u);
  std::ostringstream out;
  EXPECT_FALSE(RunSuite({.suite = folder_.string(), .paths = {"execution/c.tests"}}, out));
}

}  // namespace
}  // namespace nightjar::conformance
