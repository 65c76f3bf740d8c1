// The one real store of this suite's program, which its tests share; and how they speak to it.
#pragma once

#include <curl/curl.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>

#include "supervisor/writer/s3/s3_store.h"
#include "tests/support/s3_gateway.h"
#include "tests/support/server_rig.h"

namespace nightjar::e2e {

// Starts with the first test that wants it. Null: it did not start.
inline S3Gateway* TheGateway() {
  static std::unique_ptr<S3Gateway> gateway = S3Gateway::Start();
  return gateway.get();
}

inline s3::S3Client::Options StoreOptions(const std::string& bucket) {
  s3::S3Client::Options options;
  options.store.endpoint = {false, "127.0.0.1", TheGateway()->port()};
  options.store.bucket_week = options.store.bucket_kept = options.store.bucket_evidence = bucket;
  options.credentials = {S3Gateway::kAccessKey, S3Gateway::kSecretKey};
  return options;
}

// One call, to its end.
inline Result<s3::HttpAnswer> CallStore(const s3::S3Client::Options& options, s3::StoreCall call) {
  static const SystemClock clock;
  auto loop = *Loop::Create();
  s3::S3Client client(*loop, clock, options);
  std::optional<Result<s3::HttpAnswer>> result;
  client.Call(std::move(call), [&](Result<s3::HttpAnswer> answer) {
    result = std::move(answer);
    loop->Stop();
  });
  loop->Run();
  return std::move(*result);
}

inline void MakeBucket(const std::string& bucket, const s3::Fields& headers = {}) {
  s3::StoreCall call;
  call.method = "PUT";
  call.bucket = bucket;
  call.headers = headers;
  auto made = CallStore(StoreOptions(bucket), call);
  ASSERT_TRUE(made) << made.error().ToString();
}

// Keys in it, as the store lists them, or its error.
inline std::string ListBucket(const std::string& bucket) {
  s3::StoreCall call;
  call.method = "GET";
  call.bucket = bucket;
  call.query = {{"list-type", "2"}};
  auto listed = CallStore(StoreOptions(bucket), call);
  return listed ? listed->body : listed.error().ToString();
}

inline size_t CountObjects(const std::string& bucket) {
  std::string listed = ListBucket(bucket);
  size_t count = 0;
  for (size_t at = 0; (at = listed.find("<Key>", at)) != listed.npos; ++at) ++count;
  return count;
}

struct Fetched {
  long status = 0;
  std::string body;
};

// As anybody would who has only this address.
inline Fetched Fetch(const std::string& url, const char* range = nullptr) {
  Fetched fetched;
  CURL* easy = curl_easy_init();
  curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
  if (range != nullptr) curl_easy_setopt(easy, CURLOPT_RANGE, range);
  auto take = +[](char* bytes, size_t size, size_t count, void* to) {
    static_cast<std::string*>(to)->append(bytes, size * count);
    return size * count;
  };
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &fetched.body);
  curl_easy_perform(easy);
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &fetched.status);
  curl_easy_cleanup(easy);
  return fetched;
}

// Skips where there is no gateway to be had.
class RealStoreTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!S3Gateway::Installed())
      GTEST_SKIP() << "radosgw, ceph-mon, ceph-osd or ceph-common is not installed";
    ASSERT_NE(TheGateway(), nullptr) << "the gateway did not start";
    // A test that failed half way may have left it away.
    ASSERT_TRUE(TheGateway()->running() || TheGateway()->Restart());
    bucket_ = "nj-" + std::to_string(getpid()) + "-" + std::to_string(next_++);
    MakeBucket(bucket_);
  }
  std::string bucket_;  // of this test alone

 private:
  static inline int next_ = 1;
};

}  // namespace nightjar::e2e
