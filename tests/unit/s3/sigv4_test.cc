#include "supervisor/writer/s3/sigv4.h"

#include <gmock/gmock.h>

#include "supervisor/writer/sha256.h"

namespace nightjar::s3 {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;

// The examples of Amazon's documentation ("Authenticating Requests: AWS Signature Version 4").
constexpr int64_t kMay24 = 1369353600;  // 2013-05-24 00:00:00 UTC
const Credentials kExampleKeys = {"AKIAIOSFODNN7EXAMPLE",
                                  "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"};

std::string Authorization(const ToSign& request, std::string_view body) {
  Signer signer(StoreProvider::kAws, kExampleKeys, "us-east-1");
  Fields added = signer.SignHeaders(request, HashText(Sha256({body})), kMay24);
  EXPECT_EQ(added.size(), 3u);
  EXPECT_EQ(added[1], std::pair(std::string("x-amz-date"), std::string("20130524T000000Z")));
  EXPECT_EQ(added[2].first, "authorization");
  return added[2].second;
}

TEST(SigV4Test, SignsTheDocumentedGetOfAnObjectWithARange) {
  EXPECT_EQ(
      Authorization(
          {"GET", "examplebucket.s3.amazonaws.com", "/test.txt", {}, {{"range", "bytes=0-9"}}}, ""),
      "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
      "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
      "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

TEST(SigV4Test, SignsTheDocumentedPutOfAnObject) {
  EXPECT_THAT(Authorization({"PUT",
                             "examplebucket.s3.amazonaws.com",
                             EncodePath("/test$file.text"),
                             {},
                             {{"date", "Fri, 24 May 2013 00:00:00 GMT"},
                              {"x-amz-storage-class", "REDUCED_REDUNDANCY"}}},
                            "Welcome to Amazon S3."),
              EndsWith("98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"));
}

TEST(SigV4Test, SignsTheDocumentedQueryWithoutAValue) {
  EXPECT_THAT(
      Authorization({"GET", "examplebucket.s3.amazonaws.com", "/", {{"lifecycle", ""}}, {}}, ""),
      EndsWith("fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"));
}

TEST(SigV4Test, SignsTheDocumentedListInSortedOrder) {
  EXPECT_THAT(
      Authorization(
          {"GET", "examplebucket.s3.amazonaws.com", "/", {{"prefix", "J"}, {"max-keys", "2"}}, {}},
          ""),
      EndsWith("34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"));
}

TEST(SigV4Test, SignsTheDocumentedUrl) {
  Signer signer(StoreProvider::kAws, kExampleKeys, "us-east-1");
  EXPECT_EQ(signer.SignQuery({"GET", "examplebucket.s3.amazonaws.com", "/test.txt", {}, {}}, kMay24,
                             86400),
            "X-Amz-Algorithm=AWS4-HMAC-SHA256"
            "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
            "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
            "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
}

TEST(SigV4Test, EncodesEachByteOnceAndLeavesThePathsSlashes) {
  EXPECT_EQ(EncodePath("/a:b@c \xc3\xa9/7~x%2F"), "/a%3Ab%40c%20%C3%A9/7~x%252F");
  EXPECT_EQ(Encode("a/b+c"), "a%2Fb%2Bc");
  EXPECT_EQ(EncodeQuery({{"uploadId", "2~x/="}, {"partNumber", "1"}, {"z", ""}}),
            "partNumber=1&uploadId=2~x%2F%3D&z=");
}

// Sorted as they are sent: '-' comes before a letter, but an encoded byte begins with '%'.
TEST(SigV4Test, SortsTheQueryByItsEncodedNames) {
  EXPECT_EQ(EncodeQuery({{"a-b", "1"}, {"a b", "2"}, {"a", "3"}}), "a=3&a%20b=2&a-b=1");
}

TEST(SigV4Test, SpeaksOfGoogleInItsOwnWords) {
  Signer signer(StoreProvider::kGcs, {"GOOG1E", "secret"}, "auto");
  ToSign request{"GET", "storage.googleapis.com", "/bucket/key", {}, {}};
  Fields added = signer.SignHeaders(request, kUnsignedPayload, kMay24);
  EXPECT_EQ(added[0].first, "x-goog-content-sha256");
  EXPECT_THAT(added[2].second,
              HasSubstr("GOOG4-HMAC-SHA256 Credential=GOOG1E/20130524/auto/storage/goog4_request,"
                        "SignedHeaders=host;x-goog-content-sha256;x-goog-date,"));
  EXPECT_THAT(signer.SignQuery(request, kMay24, 60), HasSubstr("X-Goog-SignedHeaders=host&X-Goog-"
                                                               "Signature="));
}

}  // namespace
}  // namespace nightjar::s3
