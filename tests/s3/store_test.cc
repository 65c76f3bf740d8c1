// The client against a store that others made.

#include <gmock/gmock.h>

#include <future>

#include "supervisor/writer/s3/store_words.h"
#include "supervisor/writer/s3/week_rule.h"
#include "tests/s3/real_store.h"

namespace nightjar::e2e {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kKey = "week/2026-11-28/demo/a:b@c \xc3\xa9~7+1.njt";

class StoreTest : public RealStoreTest {
 protected:
  void SetUp() override {
    RealStoreTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    Open(StoreOptions(bucket_));
  }
  void Open(s3::S3Client::Options options) { store_ = *s3::S3Store::Create(clock_, options); }

  SystemClock clock_;
  std::unique_ptr<s3::S3Store> store_;
};

TEST_F(StoreTest, KeepsCopiesReadsAndDeletesAnObject) {
  Status put = store_->Put(kKey, "0123456789");
  ASSERT_TRUE(put) << put.error().ToString();
  EXPECT_EQ(store_->Get(kKey, 100).value(), "0123456789");
  EXPECT_EQ(store_->GetRange(kKey, 3, 4).value(), "3456");
  EXPECT_EQ(store_->SizeOf(kKey).value(), 10u);
  ASSERT_TRUE(store_->Put("kept/demo/7/3.njt", "older"));
  ASSERT_TRUE(store_->Copy(kKey, "kept/demo/7/3.njt"));
  ASSERT_TRUE(store_->Delete(kKey));
  EXPECT_EQ(store_->Get("kept/demo/7/3.njt", 100).value(), "0123456789");
  EXPECT_EQ(store_->Get(kKey, 100).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(store_->Copy(kKey, "kept/demo/7/4.njt").error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(store_->Delete(kKey)) << "what is gone is gone";
}

TEST_F(StoreTest, SendsALargeObjectInParts) {
  std::string large(2 * bounds::kMultipartPartBytes + 12345, '\0');
  for (size_t i = 0; i < large.size(); ++i) large[i] = static_cast<char>(i * 2654435761u >> 24);
  Status put = store_->Put(kKey, large);
  ASSERT_TRUE(put) << put.error().ToString();
  EXPECT_TRUE(store_->Get(kKey, large.size()).value() == large);
}

TEST_F(StoreTest, SaysWhyItIsRefused) {
  s3::S3Client::Options wrong = StoreOptions(bucket_);
  wrong.credentials.secret_key = "wrong";
  Open(wrong);
  Status put = store_->Put(kKey, "x");
  ASSERT_FALSE(put);
  EXPECT_EQ(put.error().code, ErrorCode::kPermission);
  EXPECT_THAT(put.error().context, HasSubstr("403 SignatureDoesNotMatch"));
  Open(StoreOptions("no-such-bucket"));
  put = store_->Put(kKey, "x");
  ASSERT_FALSE(put);
  EXPECT_THAT(put.error().context, HasSubstr("404 NoSuchBucket"));
}

TEST_F(StoreTest, LetsAnybodyReadByASignedAddressForAWhile) {
  ASSERT_TRUE(store_->Put(kKey, "0123456789"));
  std::string url = store_->SignedUrl(kKey);
  Fetched whole = Fetch(url);
  EXPECT_EQ(whole.status, 200);
  EXPECT_EQ(whole.body, "0123456789");
  Fetched part = Fetch(url, "3-5");
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(part.body, "345");
  std::string other = url;
  other.replace(other.find("a%3Ab"), 5, "a%3Ac");
  EXPECT_EQ(Fetch(other).status, 403) << "of another object";
  std::string longer = url;
  longer.replace(longer.find("X-Amz-Expires=60"), 16, "X-Amz-Expires=61");
  EXPECT_EQ(Fetch(longer).status, 403) << "for longer";
  EXPECT_EQ(Fetch(url.substr(0, url.find('?'))).status, 403) << "without a signature";
}

// A client whose clock stands still makes the address of an hour ago.
TEST_F(StoreTest, LetsNobodyReadByAnAddressThatHasExpired) {
  class Earlier final : public Clock {
   public:
    MonoTime Mono() const override { return SystemClock().Mono(); }
    WallTime Wall() const override { return SystemClock().Wall() - std::chrono::hours(1); }
  } earlier;
  ASSERT_TRUE(store_->Put(kKey, "0123456789"));
  auto loop = *Loop::Create();
  s3::S3Client client(*loop, earlier, StoreOptions(bucket_));
  EXPECT_EQ(Fetch(client.SignedUrl(kKey, std::chrono::minutes(59))).status, 403);
  EXPECT_EQ(Fetch(client.SignedUrl(kKey, std::chrono::minutes(61))).status, 200);
}

Status Prepared(s3::S3Store& store) {
  auto done = std::make_shared<std::promise<Status>>();
  store.Prepare([done](const Status& status) { done->set_value(status); });
  return done->get_future().get();
}

TEST_F(StoreTest, SetsTheRuleByWhichAWeekExpiresAndOnlyThat) {
  Status prepared = Prepared(*store_);
  ASSERT_TRUE(prepared) << prepared.error().ToString();
  ASSERT_TRUE(Prepared(*store_)) << "it is there";
  ASSERT_TRUE(store_->Put(kKey, "of a week"));
  ASSERT_TRUE(store_->Put("kept/demo/7/3.njt", "kept"));
  bool gone = false;
  for (int round = 0; round < 3 && !gone; ++round)
    gone = Eventually([&] {
      return TheGateway()->ExpireBySeconds() &&
             ListBucket(bucket_).find("<Key>week/") == std::string::npos;
    });
  EXPECT_TRUE(gone) << ListBucket(bucket_);
  EXPECT_EQ(store_->Get("kept/demo/7/3.njt", 100).value(), "kept");
}

std::string VersionsIn(const std::string& bucket) {
  s3::StoreCall call;
  call.method = "GET";
  call.bucket = bucket;
  call.query = {{"versions", ""}};
  auto listed = CallStore(StoreOptions(bucket), call);
  return listed ? listed->body : listed.error().ToString();
}

Result<s3::HttpAnswer> RemoveNewestVersion(const std::string& bucket, const std::string& key) {
  s3::StoreCall call;
  call.method = "DELETE";
  call.bucket = bucket;
  call.key = key;
  call.query = {{"versionId", s3::RawTagContent(VersionsIn(bucket), "VersionId", 1000)}};
  return CallStore(StoreOptions(bucket), call);
}

// With keys that may do everything else.
TEST_F(StoreTest, LetsNobodyRemoveEvidenceThatTheStoreHolds) {
  const std::string key = "evidence/demo/run.njt", evidence = bucket_ + "-evidence";
  MakeBucket(evidence, {{"x-amz-bucket-object-lock-enabled", "true"}});
  s3::S3Client::Options options = StoreOptions(bucket_);
  options.store.bucket_evidence = evidence;
  options.store.lock_evidence = true;
  Open(options);
  Status prepared = Prepared(*store_);
  EXPECT_TRUE(prepared) << prepared.error().ToString();
  ASSERT_TRUE(store_->Put(kKey, "copied"));
  Status copied = store_->Copy(kKey, key);
  ASSERT_TRUE(copied) << copied.error().ToString();
  auto removed = RemoveNewestVersion(evidence, key);
  ASSERT_FALSE(removed);
  EXPECT_EQ(removed.error().code, ErrorCode::kPermission) << removed.error().ToString();
  EXPECT_EQ(store_->Get(key, 100).value(), "copied");
  // Once more, as after a crash of ours in between; and from the spool.
  ASSERT_TRUE(store_->Put(key, "put"));
  EXPECT_FALSE(RemoveNewestVersion(evidence, key));
  Status released = store_->Delete(key);
  ASSERT_TRUE(released) << released.error().ToString();
  EXPECT_THAT(VersionsIn(evidence), Not(HasSubstr("<VersionId>")));
  EXPECT_TRUE(store_->Delete(key)) << "what is gone is gone";
}

TEST_F(StoreTest, SaysThatABucketLocksNothing) {
  s3::S3Client::Options options = StoreOptions(bucket_);
  options.store.lock_evidence = true;
  Open(options);
  Status prepared = Prepared(*store_);
  ASSERT_FALSE(prepared);
  EXPECT_EQ(prepared.error().code, ErrorCode::kInvalid);
  EXPECT_THAT(prepared.error().context, HasSubstr("was made without object lock"));
  ASSERT_TRUE(store_->Put(kKey, "x"));
  EXPECT_FALSE(store_->Copy(kKey, "evidence/demo/run.njt")) << "it would not be held";
}

TEST_F(StoreTest, SaysWhatRuleIsMissingWhereOthersHaveRules) {
  std::string rules = s3::WeekRule();
  rules.replace(rules.find("week/"), 5, "logs/");
  s3::StoreCall call;
  call.method = "PUT";
  call.bucket = bucket_;
  call.query = {{"lifecycle", ""}};
  call.body = std::make_shared<const std::string>(rules);
  ASSERT_TRUE(CallStore(StoreOptions(bucket_), call));
  Status prepared = Prepared(*store_);
  ASSERT_FALSE(prepared);
  EXPECT_EQ(prepared.error().code, ErrorCode::kExists);
}

}  // namespace
}  // namespace nightjar::e2e
