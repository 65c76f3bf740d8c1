#include "supervisor/writer/s3/store_file.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <fstream>

#include "policies/policy_errors.h"
#include "tests/unit/writer/writer_rig.h"

namespace nightjar::s3 {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kWhole =
    "kind = \"s3\"\n"
    "endpoint = \"https://s3.example.com:8443\"\n"
    "region = \"eu-central-1\"\n"
    "addressing = \"virtual\"\n"
    "bucket = \"traces\"\n"
    "bucket_evidence = \"evidence\"\n"
    "credentials_file = \"/etc/keys\"\n"
    "spool_max = \"2GiB\"\n";

std::string ErrorsIn(std::string_view text) {
  std::vector<policy::PolicyError> errors;
  EXPECT_FALSE(ParseStoreSettings(text, &errors));
  return policy::ErrorLines("store.toml", errors);
}

TEST(StoreFileTest, ReadsAllThatAStoreHas) {
  std::vector<policy::PolicyError> errors;
  auto settings = ParseStoreSettings(kWhole, &errors);
  ASSERT_TRUE(settings) << policy::ErrorLines("", errors);
  EXPECT_TRUE(settings->endpoint.tls);
  EXPECT_EQ(settings->endpoint.host, "s3.example.com");
  EXPECT_EQ(settings->endpoint.port, 8443);
  EXPECT_EQ(settings->region, "eu-central-1");
  EXPECT_EQ(settings->addressing, StoreAddressing::kVirtual);
  EXPECT_EQ(settings->bucket_week, "traces");
  EXPECT_EQ(settings->bucket_kept, "traces");
  EXPECT_EQ(settings->bucket_evidence, "evidence");
  EXPECT_EQ(settings->spool_bytes_max, uint64_t{2} << 30);
  EXPECT_EQ(settings->credentials_at.line, 7u);
}

TEST(StoreFileTest, SaysWhereEachMistakeIs) {
  std::string text = kWhole;
  EXPECT_EQ(ErrorsIn(text + "endpont = \"x\"\n"),
            "store.toml:9:1: unknown key `endpont`; did you mean `endpoint`?");
  text.replace(text.find("2GiB"), 4, "2GB");
  EXPECT_THAT(ErrorsIn(text), HasSubstr("store.toml:8:13: "));
  EXPECT_THAT(ErrorsIn("kind = \"swift\"\n"), HasSubstr("store.toml:1:8: `kind` is \"s3\""));
  EXPECT_THAT(ErrorsIn("kind = 3\n"), HasSubstr("store.toml:1:8: `kind` takes a text in quotes"));
  EXPECT_THAT(ErrorsIn("kind = \"s3\"\n"),
              HasSubstr("store.toml:1:1: `credentials_file` is missing"));
  EXPECT_THAT(ErrorsIn("bucket = \"No\"\n"), HasSubstr("store.toml:1:10: `bucket` is 3 to 63"));
  EXPECT_THAT(ErrorsIn("= 3"), HasSubstr("store.toml:1:1: "));
}

TEST(StoreFileTest, LocksEvidenceInABucketOfItsOwnAlone) {
  std::vector<policy::PolicyError> errors;
  std::string text = std::string(kWhole) + "evidence_lock = \"legal-hold\"\n";
  auto settings = ParseStoreSettings(text, &errors);
  ASSERT_TRUE(settings) << policy::ErrorLines("", errors);
  EXPECT_TRUE(settings->lock_evidence);
  EXPECT_THAT(ErrorsIn(std::string(kWhole) + "evidence_lock = \"yes\"\n"),
              HasSubstr("store.toml:9:17: `evidence_lock` is \"none\" or \"legal-hold\""));
  EXPECT_EQ(ErrorsIn(text + "provider = \"gcs\"\n"),
            "store.toml:9:17: `evidence_lock` = \"legal-hold\" is not to be had from \"gcs\"");
  text.replace(text.find("bucket_evidence"), 15, "bucket_kept");
  EXPECT_THAT(ErrorsIn(text), HasSubstr("takes a `bucket_evidence` for nothing else"));
}

TEST(StoreFileTest, TakesNoAddressThatIsMoreThanAHost) {
  for (const char* bad : {"s3.example.com", "ftp://h", "https://h/path", "https://h:0",
                          "https://h:99999", "https://u@h", "https://", "https://h h"})
    EXPECT_THAT(ErrorsIn("endpoint = \"" + std::string(bad) + "\"\n"),
                HasSubstr("store.toml:1:12: `endpoint`"))
        << bad;
}

class CredentialsTest : public ::testing::Test {
 protected:
  // The error of a store file whose keys are this text in a file of this mode.
  std::string Read(const std::string& keys, mode_t mode) {
    std::ofstream(dir_ / "keys") << keys;
    EXPECT_EQ(chmod((dir_ / "keys").c_str(), mode), 0);
    std::string text = kWhole;
    text.replace(text.find("/etc/keys"), 9, dir_ / "keys");
    std::ofstream(dir_ / "store.toml") << text;
    auto file = ReadStoreFile(dir_ / "store.toml");
    if (!file) return file.error().ToString();
    EXPECT_EQ(file->credentials.access_key, "AK");
    EXPECT_EQ(file->credentials.secret_key, "SK/+=");
    return "";
  }
  nightjar::testing::TempDir dir_;
};

constexpr const char* kKeys = "access_key = \"AK\"\nsecret_key = \"SK/+=\"\n";

TEST_F(CredentialsTest, AreReadFromAFileOfTheirOwn) {
  EXPECT_EQ(Read(kKeys, 0600), "");
  EXPECT_EQ(Read(kKeys, 0400), "");
}

TEST_F(CredentialsTest, AreRefusedWhereOthersMayReadThem) {
  const std::string where = (dir_ / "store.toml") + ":7:20: ";
  for (mode_t mode : {0644, 0640, 0604, 0660})
    EXPECT_THAT(Read(kKeys, mode), HasSubstr(where + (dir_ / "keys") + " can be read by others"))
        << mode;
}

TEST_F(CredentialsTest, AreNeverQuoted) {
  for (const char* text : {"access_key = \"AK\"\nsecret_key = hunter2\n",
                           "access_key = \"AK\"\nsecret_key = \"hunter2\"\nmore = 1\n",
                           "secret_key = \"hunter2\"\n", "secret_key = \"hunter2 \"\n"}) {
    std::string error = Read(text, 0600);
    EXPECT_THAT(error, HasSubstr("is not two lines"));
    EXPECT_THAT(error, Not(HasSubstr("hunter2")));
  }
}

}  // namespace
}  // namespace nightjar::s3
