#include "supervisor/writer/s3/week_rule.h"

#include "supervisor/writer/s3/digest.h"

namespace nightjar::s3 {
namespace {

std::string Days() {
  return std::to_string(bounds::kTraceDays.count());
}

std::string WhatToSet(const S3Client& client) {
  return "set a lifecycle rule in bucket " + client.settings().bucket_week +
         " that expires what begins with week/ after " + Days() + " days";
}

StoreCall RulesOf(const S3Client& client, const char* method) {
  StoreCall call;
  call.method = method;
  call.bucket = client.settings().bucket_week;
  call.query = {{"lifecycle", ""}};
  return call;
}

Status Explained(const S3Client& client, const Result<HttpAnswer>& answer) {
  if (answer) return {};
  return Wrap(answer.error(), WhatToSet(client));
}

void SetRule(S3Client& client, S3Client::Done done) {
  StoreCall call = RulesOf(client, "PUT");
  call.body = std::make_shared<const std::string>(WeekRule());
  call.headers = {{"content-md5", Md5Base64(*call.body)}, {"content-type", "application/xml"}};
  client.Call(std::move(call), [&client, done = std::move(done)](const Result<HttpAnswer>& answer) {
    done(Explained(client, answer));
  });
}

}  // namespace

std::string WeekRule() {
  return "<LifecycleConfiguration><Rule><ID>nightjar-week</ID>"
         "<Filter><Prefix>week/</Prefix></Filter><Status>Enabled</Status>"
         "<Expiration><Days>" +
         Days() + "</Days></Expiration></Rule></LifecycleConfiguration>";
}

bool HasWeekRule(std::string_view rules) {
  for (size_t at; (at = rules.find("<Rule>")) != rules.npos;) {
    rules.remove_prefix(at);
    std::string_view rule = rules.substr(0, rules.find("</Rule>"));
    auto has = [rule](const std::string& text) { return rule.find(text) != rule.npos; };
    if (has("<Prefix>week/</Prefix>") && has("<Status>Enabled</Status>") &&
        has("<Days>" + Days() + "</Days>"))
      return true;
    rules.remove_prefix(rule.size());
  }
  return false;
}

void EnsureWeekRule(S3Client& client, S3Client::Done done) {
  client.Call(RulesOf(client, "GET"),
              [&client, done = std::move(done)](const Result<HttpAnswer>& answer) {
                // Without rules a bucket has none to be found; without a bucket, setting one says
                // it.
                if (!answer && answer.error().code == ErrorCode::kNotFound)
                  return SetRule(client, done);
                if (!answer) return done(Explained(client, answer));
                if (HasWeekRule(answer->body)) return done({});
                done(nightjar::Fail(ErrorCode::kExists,
                                    WhatToSet(client) + ": it has rules, and none that does so"));
              });
}

}  // namespace nightjar::s3
