#include "supervisor/cli/client.h"

#include <curl/curl.h>
#include <sys/un.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "ipc/core/bounds.h"
#include "ipc/core/check.h"

namespace nightjar::cli {
namespace {

constexpr int kTickMs = 100;
constexpr long kStoreSilence = 10;  // seconds, of a store that a trace is read from

size_t TakeBody(char* bytes, size_t size, size_t count, void* answer) {
  auto& body = static_cast<Answer*>(answer)->body;
  if (body.size() + size * count > bounds::kCliAnswerBytes) return 0;  // curl: CURLE_WRITE_ERROR
  body.append(bytes, size * count);
  return size * count;
}

class CurlClient final : public ControlClient {
 public:
  CurlClient(std::string socket_path, std::function<void(Nanos)> waiting)
      : socket_path_(std::move(socket_path)), waiting_(std::move(waiting)) {
    easy_ = curl_easy_init();
    multi_ = curl_multi_init();
    CHECK(easy_ != nullptr && multi_ != nullptr);
  }
  ~CurlClient() override {
    curl_easy_cleanup(easy_);
    curl_multi_cleanup(multi_);
  }

  Result<Answer> Ask(std::string_view method, const std::string& target,
                     std::string_view body) override {
    Answer answer;
    SetUp(std::string(method), "http://nightjar" + target, body, &answer);
    return Perform(answer);
  }

  Result<Answer> Fetch(const std::string& target, const std::string& type) override {
    return FetchRange(target, type, "");
  }

  Result<Part> FetchPart(const std::string& target, const std::string& type, uint64_t first,
                         uint64_t count) override {
    NJ_ASSIGN(
        Answer answer,
        FetchRange(target, type, std::to_string(first) + "-" + std::to_string(first + count - 1)));
    Part part{std::move(answer)};
    // "bytes 0-99/1234", also where it came from a store.
    curl_header* range = nullptr;
    if (curl_easy_header(easy_, "content-range", 0, CURLH_HEADER, -1, &range) == CURLHE_OK) {
      std::string_view text = range->value;
      text.remove_prefix(std::min(text.size(), text.rfind('/') + 1));
      std::from_chars(text.data(), text.data() + text.size(), part.size);
    }
    return part;
  }

  Result<Answer> Follow(const std::string& target, const std::string& after,
                        std::function<bool(std::string_view)> take) override {
    Answer answer;
    Following following{easy_, &answer, std::move(take), false};
    SetUp("GET", "http://nightjar" + target, {}, &answer);
    curl_easy_setopt(easy_, CURLOPT_WRITEFUNCTION, TakeFollowed);
    curl_easy_setopt(easy_, CURLOPT_WRITEDATA, &following);
    curl_slist* headers = nullptr;
    if (!after.empty()) headers = curl_slist_append(nullptr, ("Last-Event-ID: " + after).c_str());
    curl_easy_setopt(easy_, CURLOPT_HTTPHEADER, headers);
    auto ended = Perform(answer);
    curl_slist_free_all(headers);
    if (!ended && following.enough) {
      answer.status = 200;
      return answer;
    }
    return ended;
  }

 private:
  struct Following {
    CURL* easy;
    Answer* answer;
    std::function<bool(std::string_view)> take;
    bool enough;  // take() has said so
  };

  static size_t TakeFollowed(char* bytes, size_t size, size_t count, void* context) {
    auto& following = *static_cast<Following*>(context);
    long status = 0;
    curl_easy_getinfo(following.easy, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200) return TakeBody(bytes, size, count, following.answer);
    following.enough = !following.take({bytes, size * count});
    return following.enough ? 0 : size * count;
  }

  // `range`: "0-99"; empty: all of it.
  Result<Answer> FetchRange(const std::string& target, const std::string& type,
                            const std::string& range) {
    Answer answer;
    SetUp("GET", "http://nightjar" + target, {}, &answer);
    if (!range.empty()) curl_easy_setopt(easy_, CURLOPT_RANGE, range.c_str());
    curl_slist* headers = curl_slist_append(nullptr, ("Accept: " + type).c_str());
    curl_easy_setopt(easy_, CURLOPT_HTTPHEADER, headers);
    auto found = Perform(answer);
    curl_easy_setopt(easy_, CURLOPT_HTTPHEADER, nullptr);
    curl_slist_free_all(headers);
    char* elsewhere = nullptr;
    curl_easy_getinfo(easy_, CURLINFO_REDIRECT_URL, &elsewhere);
    if (!found || found->status != 307 || elsewhere == nullptr) return found;
    return FetchFrom(elsewhere, range);
  }

  // By an address that needs nothing beside it.
  Result<Answer> FetchFrom(const std::string& url, const std::string& range) {
    Answer answer;
    SetUp("GET", url, {}, &answer);
    if (!range.empty()) curl_easy_setopt(easy_, CURLOPT_RANGE, range.c_str());
    curl_easy_setopt(easy_, CURLOPT_UNIX_SOCKET_PATH, nullptr);
    curl_easy_setopt(easy_, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy_, CURLOPT_CONNECTTIMEOUT, kStoreSilence);
    curl_easy_setopt(easy_, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(easy_, CURLOPT_LOW_SPEED_TIME, kStoreSilence);
    CURLcode ended = Transfer();
    if (ended != CURLE_OK)
      return Fail(ErrorCode::kInternal,
                  std::string("reading from the store: ") + curl_easy_strerror(ended));
    curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &answer.status);
    if (answer.status == 200 || answer.status == 206) return answer;
    return Fail(ErrorCode::kNotFound, "the store answers " + std::to_string(answer.status) +
                                          ": it may have expired there");
  }

  Result<Answer> Perform(Answer& answer) {
    CURLcode ended = Transfer();
    if (ended != CURLE_OK) return Explain(ended);
    curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &answer.status);
    if (answer.status == 0)
      return Fail(ErrorCode::kUnavailable, socket_path_ + " was closed without an answer");
    return std::move(answer);
  }

  CURLcode Transfer() {
    MonoTime asked = SystemClock().Mono();
    curl_multi_add_handle(multi_, easy_);
    CURLcode ended = CURLE_OK;
    int running = 1;
    while (running > 0) {
      if (curl_multi_perform(multi_, &running) != CURLM_OK) break;
      if (running == 0) break;
      curl_multi_poll(multi_, nullptr, 0, kTickMs, nullptr);
      waiting_(SystemClock().Mono() - asked);
    }
    int left = 0;
    while (CURLMsg* message = curl_multi_info_read(multi_, &left))
      if (message->msg == CURLMSG_DONE) ended = message->data.result;
    curl_multi_remove_handle(multi_, easy_);
    return ended;
  }

  void SetUp(const std::string& method, const std::string& url, std::string_view body,
             Answer* answer) {
    curl_easy_reset(easy_);
    curl_easy_setopt(easy_, CURLOPT_UNIX_SOCKET_PATH, socket_path_.c_str());
    curl_easy_setopt(easy_, CURLOPT_URL, url.c_str());
    curl_easy_setopt(easy_, CURLOPT_CUSTOMREQUEST, method.c_str());
    curl_easy_setopt(easy_, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy_, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy_, CURLOPT_WRITEFUNCTION, TakeBody);
    curl_easy_setopt(easy_, CURLOPT_WRITEDATA, answer);
    if (method == "PUT" || method == "POST" || !body.empty()) {
      curl_easy_setopt(easy_, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
      curl_easy_setopt(easy_, CURLOPT_POSTFIELDS, body.empty() ? "" : body.data());
      // Nothing is gained by asking first on the same machine, and curl would wait a second for the
      // go-ahead.
      static curl_slist* const kHeaders = curl_slist_append(
          curl_slist_append(nullptr, "Expect:"), "Content-Type: application/octet-stream");
      curl_easy_setopt(easy_, CURLOPT_HTTPHEADER, kHeaders);
    }
  }

  tl::unexpected<Error> Explain(CURLcode code) const {
    long sys = 0;
    curl_easy_getinfo(easy_, CURLINFO_OS_ERRNO, &sys);
    switch (code) {
      case CURLE_COULDNT_CONNECT:
        if (sys == EACCES || sys == EPERM)
          return Fail(ErrorCode::kUnavailable,
                      socket_path_ + " is only for who started the supervisor: try sudo");
        return Fail(ErrorCode::kUnavailable,
                    "nothing listens on " + socket_path_ +
                        ": is `nightjar serve` running, and is --state right?");
      case CURLE_GOT_NOTHING:
      case CURLE_RECV_ERROR:
      case CURLE_SEND_ERROR:
      case CURLE_PARTIAL_FILE:
        return Fail(ErrorCode::kUnavailable,
                    "the supervisor hung up before its answer was complete: did it stop?");
      case CURLE_WRITE_ERROR:
        return Fail(
            ErrorCode::kExhausted,
            "the answer is larger than " + std::to_string(bounds::kCliAnswerBytes >> 20) + " MiB");
      default:
        return Fail(ErrorCode::kUnavailable,
                    "asking over " + socket_path_ + ": " + curl_easy_strerror(code));
    }
  }

  std::string socket_path_;
  std::function<void(Nanos)> waiting_;
  CURL* easy_ = nullptr;
  CURLM* multi_ = nullptr;
};

}  // namespace

Result<std::unique_ptr<ControlClient>> ControlClient::Create(const std::string& socket_path,
                                                             std::function<void(Nanos)> waiting) {
  if (socket_path.size() >= sizeof(sockaddr_un::sun_path))
    return Fail(ErrorCode::kInvalid, socket_path + " is too long for a socket's path, which has " +
                                         std::to_string(sizeof(sockaddr_un::sun_path) - 1) +
                                         " bytes at most: use a shorter --state");
  static const CURLcode kStarted = curl_global_init(CURL_GLOBAL_NOTHING);
  CHECK(kStarted == CURLE_OK);
  return std::make_unique<CurlClient>(socket_path, std::move(waiting));
}

std::string EncodePart(std::string_view text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string encoded;
  for (char c : text) {
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                 c == '-' || c == '_' || c == '.' || c == '~';
    if (plain) {
      encoded += c;
    } else {
      encoded += '%';
      encoded += kHex[static_cast<unsigned char>(c) >> 4];
      encoded += kHex[static_cast<unsigned char>(c) & 15];
    }
  }
  return encoded;
}

}  // namespace nightjar::cli
