#include "policies/index_settings.h"

#include <gmock/gmock.h>

namespace nightjar {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Pair;

constexpr const char* kLeast =
    "kind = \"postgresql\"\nhost = \"db\"\ndatabase = \"traces\"\nuser = \"nightjar\"\n";

std::vector<std::string> Wrong(const std::string& text) {
  std::vector<policy::PolicyError> errors;
  EXPECT_FALSE(ParseIndexSettings(text, &errors));
  std::vector<std::string> lines;
  for (const auto& error : errors)
    lines.push_back(std::to_string(error.line) + ":" + std::to_string(error.column) + " " +
                    error.message);
  return lines;
}

TEST(IndexSettingsTest, LibpqsKeywordsAreHandedOn) {
  std::vector<policy::PolicyError> errors;
  auto settings = ParseIndexSettings(
      std::string(kLeast) +
          "port = 5433\nsslmode = \"verify-full\"\nsslrootcert = \"/etc/ca.pem\"\n"
          "machine = \"web-1\"\npassword_file = \"/etc/nightjar/password\"\n",
      &errors);
  ASSERT_TRUE(settings);
  EXPECT_THAT(settings->keywords, Contains(Pair("dbname", "traces")));
  EXPECT_THAT(settings->keywords, Contains(Pair("port", "5433")));
  EXPECT_THAT(settings->keywords, Contains(Pair("sslmode", "verify-full")));
  EXPECT_THAT(settings->keywords, Contains(Pair("sslrootcert", "/etc/ca.pem")));
  EXPECT_EQ(settings->keywords.size(), 6u);
  EXPECT_EQ(settings->machine, "web-1");
  EXPECT_EQ(settings->password_file, "/etc/nightjar/password");
}

TEST(IndexSettingsTest, MistakesAreToldWithTheirPlace) {
  EXPECT_THAT(Wrong(std::string(kLeast) + "usr = \"x\"\n"),
              ElementsAre("5:1 unknown key `usr`; did you mean `user`?"));
  EXPECT_THAT(Wrong(std::string(kLeast) + "port = \"x\"\n"),
              ElementsAre("5:8 `port` is a number from 1 to 65535"));
  EXPECT_THAT(Wrong(std::string(kLeast) + "password_file = \"here\"\n"),
              ElementsAre("5:17 `password_file` is a whole path, which starts with /"));
  EXPECT_THAT(Wrong(std::string(kLeast) + "machine = \"a b\"\n"),
              ElementsAre("5:11 `machine` is 1 to 63 of letters, digits, '-', '_' and '.', and "
                          "starts with a letter or digit"));
  EXPECT_THAT(Wrong("kind = \"postgresql\"\nhost = \"db\"\nuser = \"a\"\n"),
              ElementsAre("1:1 `database` is missing: database = \"nightjar\""));
}

}  // namespace
}  // namespace nightjar
