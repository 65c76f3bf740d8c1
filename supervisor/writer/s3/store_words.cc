#include "supervisor/writer/s3/store_words.h"

#include "ipc/core/bounds.h"

namespace nightjar::s3 {
namespace {

constexpr long kRequestTimeout = 408;
constexpr long kTooManyRequests = 429;

ErrorCode CodeOf(long status) {
  if (status == 401 || status == 403) return ErrorCode::kPermission;
  if (status == 404) return ErrorCode::kNotFound;
  if (status == 409 || status == 412) return ErrorCode::kExists;
  if (status == kRequestTimeout || status == kTooManyRequests || status >= 500)
    return ErrorCode::kUnavailable;
  return ErrorCode::kInvalid;
}

std::string Cleaned(std::string_view text) {
  std::string clean(text.substr(0, bounds::kStoreWordsBytes));
  for (char& c : clean)
    if (c < ' ' || c > '~') c = '?';
  return clean;
}

}  // namespace

std::string RawTagContent(std::string_view xml, std::string_view tag, size_t bytes_max) {
  const std::string opening = "<" + std::string(tag) + ">";
  size_t begin = xml.find(opening);
  if (begin == xml.npos) return {};
  begin += opening.size();
  size_t end = xml.find("</", begin);
  if (end == xml.npos || end - begin > bytes_max) return {};
  return std::string(xml.substr(begin, end - begin));
}

std::string TagContent(std::string_view xml, std::string_view tag) {
  return Cleaned(RawTagContent(xml, tag, xml.size()));
}

Error StoreError(long status, std::string_view body) {
  std::string text = "the store answers " + std::to_string(status);
  if (std::string code = TagContent(body, "Code"); !code.empty()) text += " " + code;
  if (std::string words = TagContent(body, "Message"); !words.empty()) text += ": " + words;
  if (status >= 300 && status < 400) text += "; see endpoint, region and addressing";
  return {CodeOf(status), 0, std::move(text)};
}

bool WorthRetrying(long status, std::string_view body) {
  return CodeOf(status) == ErrorCode::kUnavailable ||
         (status == 400 && TagContent(body, "Code") == "RequestTimeout");
}

bool WorthRetrying(const Error& error) {
  return error.code == ErrorCode::kUnavailable || error.code == ErrorCode::kTimedOut;
}

}  // namespace nightjar::s3
