#include "supervisor/writer/s3/store_address.h"

#include <gtest/gtest.h>

namespace nightjar::s3 {
namespace {

StoreSettings Settings(StoreAddressing addressing, StoreEndpoint endpoint) {
  StoreSettings settings;
  settings.endpoint = std::move(endpoint);
  settings.addressing = addressing;
  settings.bucket_week = "w-bucket";
  settings.bucket_kept = "k-bucket";
  settings.bucket_evidence = "e-bucket";
  return settings;
}

std::string UrlOf(const StoreSettings& settings, std::string_view bucket, std::string_view key) {
  Address address = AddressOf(settings, bucket, key);
  return OriginOf(settings, address) + address.path;
}

TEST(StoreAddressTest, HasTheBucketInThePathOrInTheName) {
  StoreSettings path = Settings(StoreAddressing::kPath, {false, "127.0.0.1", 7480});
  EXPECT_EQ(UrlOf(path, "traces", "week/a b"), "http://127.0.0.1:7480/traces/week/a%20b");
  EXPECT_EQ(UrlOf(path, "traces", ""), "http://127.0.0.1:7480/traces");
  StoreSettings name = Settings(StoreAddressing::kVirtual, {true, "s3.example.com", 0});
  EXPECT_EQ(UrlOf(name, "traces", "week/a"), "https://traces.s3.example.com/week/a");
  EXPECT_EQ(UrlOf(name, "traces", ""), "https://traces.s3.example.com/");
}

// It is signed as it is sent, and nobody sends the scheme's own port.
TEST(StoreAddressTest, LeavesTheUsualPortOut) {
  EXPECT_EQ(AddressOf(Settings(StoreAddressing::kPath, {true, "h", 443}), "b", "").host, "h");
  EXPECT_EQ(AddressOf(Settings(StoreAddressing::kPath, {false, "h", 80}), "b", "").host, "h");
  EXPECT_EQ(AddressOf(Settings(StoreAddressing::kPath, {true, "h", 80}), "b", "").host, "h:80");
  EXPECT_EQ(AddressOf(Settings(StoreAddressing::kPath, {false, "[::1]", 9}), "b", "").host,
            "[::1]:9");
}

TEST(StoreAddressTest, FindsTheBucketByTheFirstPartOfAKey) {
  StoreSettings settings = Settings(StoreAddressing::kPath, {false, "h", 0});
  EXPECT_EQ(BucketOf(settings, "week/2026-11-28/demo/x.njt"), "w-bucket");
  EXPECT_EQ(BucketOf(settings, "kept/demo/1/0.njt"), "k-bucket");
  EXPECT_EQ(BucketOf(settings, "evidence/demo/x.njt"), "e-bucket");
  EXPECT_EQ(BucketOf(settings, "other/x"), "");
}

}  // namespace
}  // namespace nightjar::s3
