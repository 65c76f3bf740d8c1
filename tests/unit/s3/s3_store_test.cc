// The client, behind its blocking face, against servers that behave and that do not.

#include "supervisor/writer/s3/s3_store.h"

#include <gmock/gmock.h>

#include <atomic>
#include <future>

#include "supervisor/writer/s3/week_rule.h"
#include "supervisor/writer/sha256.h"
#include "tests/unit/s3/fake_http.h"

namespace nightjar::s3 {
namespace {

using nightjar::testing::FakeHttp;
using nightjar::testing::Respond;
using nightjar::testing::SeenRequest;
using nightjar::testing::SentAnswer;
using std::chrono::milliseconds;
using ::testing::HasSubstr;
using ::testing::SizeIs;

const SystemClock kClock;
constexpr const char* kKey = "week/2026-11-28/demo/a b.njt";
constexpr const char* kPath = "/traces/week/2026-11-28/demo/a%20b.njt";

S3Client::Options OptionsFor(uint16_t port) {
  S3Client::Options options;
  options.store.endpoint = {false, "127.0.0.1", port};
  options.store.bucket_week = options.store.bucket_kept = options.store.bucket_evidence = "traces";
  options.credentials = {"AK", "SK"};
  options.http.stalled_time = std::chrono::seconds(1);
  options.retry_min = milliseconds(1);
  options.retry_max = milliseconds(5);
  return options;
}

std::string ErrorXml(const std::string& code, const std::string& message) {
  return "<?xml version=\"1.0\"?><Error><Code>" + code + "</Code><Message>" + message +
         "</Message></Error>";
}

struct Rig {
  explicit Rig(FakeHttp::Answering answering, S3Client::Options options = OptionsFor(0))
      : http(std::move(answering)) {
    options.store.endpoint.port = http.port();
    store = *S3Store::Create(kClock, std::move(options));
  }
  FakeHttp http;
  std::unique_ptr<S3Store> store;
};

TEST(S3StoreTest, PutsTheObjectAndItsHashUnderItsKey) {
  Rig rig([](const SeenRequest&) { return Respond(200); });
  ASSERT_TRUE(rig.store->Put(kKey, "object"));
  ASSERT_THAT(rig.http.seen(), SizeIs(1));
  SeenRequest request = rig.http.seen()[0];
  EXPECT_EQ(request.method, "PUT");
  EXPECT_EQ(request.target, kPath);
  EXPECT_EQ(request.body, "object");
  EXPECT_EQ(request.headers["x-amz-content-sha256"], HashText(Sha256({"object"})));
  EXPECT_THAT(request.headers["authorization"], HasSubstr("Credential=AK/"));
  EXPECT_EQ(request.headers["content-type"], "application/vnd.nightjar.trace");
  EXPECT_EQ(request.headers.count("expect"), 0u);
}

TEST(S3StoreTest, AsksForTheWholeAndForAPart) {
  Rig rig([](const SeenRequest& request) {
    auto range = request.headers.find("range");
    return range == request.headers.end() ? Respond(200, "0123456789") : Respond(206, "345");
  });
  EXPECT_EQ(rig.store->Get(kKey, 10).value(), "0123456789");
  EXPECT_EQ(rig.store->GetRange(kKey, 3, 3).value(), "345");
  EXPECT_EQ(rig.http.seen()[1].headers["range"], "bytes=3-5");
  EXPECT_EQ(rig.store->SizeOf(kKey).value(), 10u);
}

TEST(S3StoreTest, CopiesOnTheStoresSide) {
  Rig rig([](const SeenRequest&) { return Respond(200, "<CopyObjectResult/>"); });
  ASSERT_TRUE(rig.store->Copy(kKey, "kept/demo/7/3.njt"));
  SeenRequest request = rig.http.seen()[0];
  EXPECT_EQ(request.target, "/traces/kept/demo/7/3.njt");
  EXPECT_EQ(request.headers["x-amz-copy-source"], kPath);
  EXPECT_EQ(request.headers["x-amz-metadata-directive"], "REPLACE");
  EXPECT_EQ(request.headers["content-length"], "0");
}

// A copy may take so long that its status was sent before its end was known.
TEST(S3StoreTest, BelievesNoCopyThatTellsOfAnErrorAfterAll) {
  Rig rig([](const SeenRequest&) { return Respond(200, ErrorXml("InternalError", "no")); });
  Status copied = rig.store->Copy(kKey, "kept/demo/7/3.njt");
  ASSERT_FALSE(copied);
  EXPECT_EQ(copied.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(rig.http.seen(), SizeIs(bounds::kStoreAttempts));
}

TEST(S3StoreTest, TriesARefusalOnceAndSaysWhatItWas) {
  Rig rig([](const SeenRequest&) {
    return Respond(403,
                   ErrorXml("SignatureDoesNotMatch", "look\nat your key" + std::string(1000, 'x')));
  });
  Status put = rig.store->Put(kKey, "object");
  ASSERT_FALSE(put);
  EXPECT_EQ(put.error().code, ErrorCode::kPermission);
  EXPECT_THAT(put.error().context,
              HasSubstr("the store answers 403 SignatureDoesNotMatch: look?at your key"));
  EXPECT_LT(put.error().context.size(), 300u);
  EXPECT_THAT(rig.http.seen(), SizeIs(1));
}

TEST(S3StoreTest, KnowsWhatIsNotThere) {
  Rig rig([](const SeenRequest&) { return Respond(404, ErrorXml("NoSuchKey", "")); });
  EXPECT_EQ(rig.store->Get(kKey, 10).error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(rig.store->Delete(kKey));
}

TEST(S3StoreTest, TriesAgainWhatMaySucceed) {
  for (int status : {503, 500, 429, 408}) {
    std::atomic<int> asked{0};
    Rig rig([&](const SeenRequest&) {
      return ++asked <= 2 ? Respond(status, ErrorXml("SlowDown", "")) : Respond(200);
    });
    EXPECT_TRUE(rig.store->Put(kKey, "object")) << status;
    EXPECT_EQ(asked, 3) << status;
  }
}

TEST(S3StoreTest, GivesUpAfterSomeAttempts) {
  Rig rig([](const SeenRequest&) { return Respond(503, ErrorXml("SlowDown", "reduce")); });
  Status put = rig.store->Put(kKey, "object");
  ASSERT_FALSE(put);
  EXPECT_EQ(put.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(put.error().context, HasSubstr("503 SlowDown: reduce"));
  EXPECT_THAT(rig.http.seen(), SizeIs(bounds::kStoreAttempts));
}

// Each attempt carries its own date: a signature is good for some minutes only.
TEST(S3StoreTest, SurvivesAServerThatClosesHalfWay) {
  std::atomic<int> asked{0};
  Rig rig([&](const SeenRequest&) -> SentAnswer {
    if (++asked == 1) return {"", SentAnswer::Then::kClose};
    if (asked == 2)
      return {"HTTP/1.1 200 x\r\nContent-Length: 10\r\n\r\n01234", SentAnswer::Then::kClose};
    return Respond(200, "0123456789");
  });
  EXPECT_EQ(rig.store->Get(kKey, 10).value(), "0123456789");
}

TEST(S3StoreTest, WaitsForNoServerThatHangs) {
  S3Client::Options options = OptionsFor(0);
  Rig rig([](const SeenRequest&) -> SentAnswer { return {"", SentAnswer::Then::kHang}; }, options);
  auto began = kClock.Mono();
  auto got = rig.store->Get(kKey, 10);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, ErrorCode::kTimedOut);
  EXPECT_LT(kClock.Mono() - began, bounds::kStoreReadTime + std::chrono::seconds(3));
}

TEST(S3StoreTest, SaysThatNobodyListens) {
  uint16_t port = 0;
  {
    port = FakeHttp([](const SeenRequest&) { return Respond(200); }).port();
  }
  auto store = *S3Store::Create(kClock, OptionsFor(port));
  Status put = store->Put(kKey, "object");
  ASSERT_FALSE(put);
  EXPECT_EQ(put.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(put.error().context, HasSubstr("127.0.0.1"));
}

TEST(S3StoreTest, TakesNoMoreThanWasAskedFor) {
  Rig rig([](const SeenRequest&) { return Respond(200, std::string(1 << 20, 'x')); });
  auto got = rig.store->Get(kKey, 1000);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, ErrorCode::kProtocol);
  EXPECT_THAT(rig.http.seen(), SizeIs(1));
}

TEST(S3StoreTest, FollowsNobodyElsewhere) {
  Rig rig([](const SeenRequest&) {
    return Respond(307, "", "Location: http://169.254.169.254/latest\r\n");
  });
  Status put = rig.store->Put(kKey, "object");
  ASSERT_FALSE(put);
  EXPECT_EQ(put.error().code, ErrorCode::kInvalid);
  EXPECT_THAT(put.error().context, HasSubstr("endpoint, region and addressing"));
  EXPECT_THAT(rig.http.seen(), SizeIs(1));
}

S3Client::Options SmallParts() {
  S3Client::Options options = OptionsFor(0);
  options.multipart_bytes = 10;
  options.part_bytes = 4;
  return options;
}

TEST(S3StoreTest, SendsALargeObjectInParts) {
  Rig rig(
      [](const SeenRequest& request) {
        if (request.target.ends_with("?uploads="))
          return Respond(200, "<R><UploadId>2~id</UploadId></R>");
        if (request.method == "PUT") return Respond(200, "", "ETag: \"" + request.body + "\"\r\n");
        return Respond(200, "<CompleteMultipartUploadResult/>");
      },
      SmallParts());
  ASSERT_TRUE(rig.store->Put(kKey, "abcdefghijk"));
  auto seen = rig.http.seen();
  ASSERT_THAT(seen, SizeIs(5));
  EXPECT_EQ(seen[1].target, std::string(kPath) + "?partNumber=1&uploadId=2~id");
  EXPECT_EQ(seen[1].body, "abcd");
  EXPECT_EQ(seen[3].body, "ijk");
  EXPECT_EQ(seen[4].target, std::string(kPath) + "?uploadId=2~id");
  EXPECT_THAT(seen[4].body,
              HasSubstr("<Part><PartNumber>3</PartNumber><ETag>\"ijk\"</ETag></Part>"));
}

TEST(S3StoreTest, TellsTheStoreToForgetThePartsOfAFailure) {
  std::promise<void> forgotten;
  Rig rig(
      [&](const SeenRequest& request) {
        if (request.method == "POST") return Respond(200, "<R><UploadId>2~id</UploadId></R>");
        if (request.method == "PUT") return Respond(403, ErrorXml("AccessDenied", ""));
        forgotten.set_value();
        return Respond(204);
      },
      SmallParts());
  EXPECT_EQ(rig.store->Put(kKey, "abcdefghijk").error().code, ErrorCode::kPermission);
  EXPECT_EQ(forgotten.get_future().wait_for(std::chrono::seconds(10)), std::future_status::ready);
  EXPECT_EQ(rig.http.seen().back().method, "DELETE");
}

TEST(S3StoreTest, BoundsHowManyCallsWait) {
  Rig rig([](const SeenRequest&) -> SentAnswer { return {"", SentAnswer::Then::kHang}; });
  std::promise<Status> refused;
  std::atomic<bool> once{false};
  auto object = std::make_shared<const std::string>("x");
  for (size_t i = 0; i <= bounds::kStoreCalls + bounds::kStoreCallsWaiting; ++i)
    rig.store->PutLater(kKey, object, [&](const Status& put) {
      if (put.error().code == ErrorCode::kExhausted && !once.exchange(true)) refused.set_value(put);
    });
  EXPECT_EQ(refused.get_future().wait_for(std::chrono::seconds(10)), std::future_status::ready);
}

TEST(S3StoreTest, EndsWhatIsUnderWayWithAWord) {
  std::promise<void> asked;
  std::atomic<bool> once{false};
  Rig rig([&](const SeenRequest&) -> SentAnswer {
    if (!once.exchange(true)) asked.set_value();
    return {"", SentAnswer::Then::kHang};
  });
  auto got = std::async(std::launch::async, [&] { return rig.store->Get(kKey, 10); });
  asked.get_future().wait();
  rig.store->End();
  EXPECT_EQ(got.get().error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(rig.store->Get(kKey, 10).error().code, ErrorCode::kUnavailable);
}

Status Prepared(S3Store& store) {
  std::promise<Status> done;
  store.Prepare([&](const Status& status) { done.set_value(status); });
  return done.get_future().get();
}

TEST(WeekRuleTest, IsSetWhereThereIsNone) {
  Rig rig([](const SeenRequest& request) {
    return request.method == "GET" ? Respond(404, ErrorXml("NoSuchLifecycleConfiguration", ""))
                                   : Respond(200);
  });
  EXPECT_TRUE(Prepared(*rig.store));
  auto seen = rig.http.seen();
  ASSERT_THAT(seen, SizeIs(2));
  EXPECT_EQ(seen[1].target, "/traces?lifecycle=");
  EXPECT_EQ(seen[1].body, WeekRule());
  EXPECT_THAT(seen[1].headers["content-md5"], SizeIs(24));
}

TEST(WeekRuleTest, LeavesOtherPeoplesRulesAlone) {
  std::string rules = WeekRule();
  Rig rig([&](const SeenRequest&) { return Respond(200, rules); });
  EXPECT_TRUE(Prepared(*rig.store));
  rules.replace(rules.find("week/"), 5, "logs/");
  Status prepared = Prepared(*rig.store);
  ASSERT_FALSE(prepared);
  EXPECT_EQ(prepared.error().code, ErrorCode::kExists);
  EXPECT_THAT(prepared.error().context,
              HasSubstr("set a lifecycle rule in bucket traces that expires what begins with "
                        "week/ after 8 days"));
  EXPECT_THAT(rig.http.seen(), SizeIs(2));
}

}  // namespace
}  // namespace nightjar::s3
