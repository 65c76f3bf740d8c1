#include "supervisor/writer/s3/http_transfers.h"

#include <curl/curl.h>

#include <algorithm>

#include "ipc/core/ascii.h"
#include "ipc/core/check.h"

namespace nightjar::s3 {
namespace {

long Milliseconds(Nanos time) {
  return std::max<long>(1, std::chrono::duration_cast<std::chrono::milliseconds>(time).count());
}

// What libcurl's own words are for whoever reads a log.
Error Translate(CURLcode code, const char* words) {
  ErrorCode kind = ErrorCode::kUnavailable;
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
      kind = ErrorCode::kTimedOut;
      break;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
      kind = ErrorCode::kPermission;
      break;
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_BAD_CONTENT_ENCODING:
      kind = ErrorCode::kProtocol;
      break;
    default:
      break;
  }
  return {kind, 0, *words != '\0' ? words : curl_easy_strerror(code)};
}

}  // namespace

struct HttpTransfers::Impl {
  // One request, from Start() to its `done`.
  struct Transfer {
    HttpCall call;
    Done done;
    HttpAnswer answer;
    CURL* easy = nullptr;
    curl_slist* headers = nullptr;
    size_t header_bytes = 0;
    bool too_much = false;
    char words[CURL_ERROR_SIZE] = "";

    ~Transfer() {
      curl_easy_cleanup(easy);
      curl_slist_free_all(headers);
    }
    void Prepare(const Options& options);
    void PrepareBody();
    Result<HttpAnswer> Finish(CURLcode code);

    static size_t TakeBody(char* bytes, size_t size, size_t count, void* self);
    static size_t TakeHeader(char* bytes, size_t size, size_t count, void* self);
  };

  Impl(Loop& on, Options with)
      : loop(on), options(std::move(with)), timer(on, [this] { Act(CURL_SOCKET_TIMEOUT, 0); }) {
    static const CURLcode once = curl_global_init(CURL_GLOBAL_ALL);
    CHECK(once == CURLE_OK);
    multi = curl_multi_init();
    CHECK(multi != nullptr);
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, &Impl::OnSocket);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, &Impl::OnTimer);
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, this);
    curl_multi_setopt(multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, static_cast<long>(bounds::kStoreCalls));
  }

  ~Impl() {
    for (auto& [easy, transfer] : transfers) curl_multi_remove_handle(multi, easy);
    transfers.clear();
    curl_multi_cleanup(multi);
  }

  static int OnSocket(CURL*, curl_socket_t socket, int what, void* self, void*) {
    static_cast<Impl*>(self)->Watch(socket, what);
    return 0;
  }

  static int OnTimer(CURLM*, long delay_ms, void* self) {
    Timer& timer = static_cast<Impl*>(self)->timer;
    // Libcurl must not be called from within this: a delay of 0 is the next turn.
    if (delay_ms < 0)
      timer.Stop();
    else
      timer.StartAfter(std::chrono::milliseconds(delay_ms));
    return 0;
  }

  void Watch(curl_socket_t socket, int what) {
    if (what == CURL_POLL_REMOVE) {
      watches.erase(socket);
      return;
    }
    auto& watch = watches[socket];
    if (watch == nullptr)
      watch = std::make_unique<FdWatch>(
          loop, socket, [this, socket](unsigned events) { OnEvents(socket, events); });
    watch->Start((what & CURL_POLL_IN ? FdWatch::kReadable : 0u) |
                 (what & CURL_POLL_OUT ? FdWatch::kWritable : 0u));
  }

  void OnEvents(curl_socket_t socket, unsigned events) {
    Act(socket, (events & (FdWatch::kReadable | FdWatch::kHangup) ? CURL_CSELECT_IN : 0) |
                    (events & FdWatch::kWritable ? CURL_CSELECT_OUT : 0));
  }

  void Act(curl_socket_t socket, int events) {
    int running = 0;
    curl_multi_socket_action(multi, socket, events, &running);
    int left = 0;
    while (CURLMsg* message = curl_multi_info_read(multi, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      CURL* easy = message->easy_handle;
      CURLcode code = message->data.result;
      auto found = transfers.find(easy);
      std::unique_ptr<Transfer> transfer = std::move(found->second);
      transfers.erase(found);
      curl_multi_remove_handle(multi, easy);
      Done done = std::move(transfer->done);
      // In a turn of its own: it may start others, or end this.
      finished.push_back({std::move(done), transfer->Finish(code)});
    }
    if (!finished.empty()) tell.StartAfter(Nanos(0));
  }

  void Tell() {
    for (auto& [done, answer] : std::exchange(finished, {})) done(std::move(answer));
  }

  Loop& loop;
  Options options;
  Timer timer;
  Timer tell{loop, [this] { Tell(); }};
  CURLM* multi = nullptr;
  std::map<curl_socket_t, std::unique_ptr<FdWatch>> watches;
  std::map<CURL*, std::unique_ptr<Transfer>> transfers;
  struct Finished {
    Done done;
    Result<HttpAnswer> answer;
  };
  std::vector<Finished> finished;
};

size_t HttpTransfers::Impl::Transfer::TakeBody(char* bytes, size_t size, size_t count, void* self) {
  Transfer& transfer = *static_cast<Transfer*>(self);
  size_t length = size * count;
  long status = 0;
  curl_easy_getinfo(transfer.easy, CURLINFO_RESPONSE_CODE, &status);
  // What was asked for has its caller's bound; a refusal's words may be longer than that.
  size_t most = status < 300 ? transfer.call.answer_bytes_max : bounds::kStoreAnswerBytes;
  if (transfer.answer.body.size() + length > most) {
    transfer.too_much = true;
    return 0;  // libcurl: CURLE_WRITE_ERROR
  }
  transfer.answer.body.append(bytes, length);
  return length;
}

size_t HttpTransfers::Impl::Transfer::TakeHeader(char* bytes, size_t size, size_t count,
                                                 void* self) {
  Transfer& transfer = *static_cast<Transfer*>(self);
  size_t length = size * count;
  transfer.header_bytes += length;
  if (transfer.header_bytes > bounds::kStoreHeaderBytes) {
    transfer.too_much = true;
    return 0;
  }
  std::string_view line(bytes, length);
  size_t colon = line.find(':');
  if (colon == line.npos) return length;
  std::string name(line.substr(0, colon));
  for (char& c : name) c = ToLowerAscii(c);
  std::string_view value = line.substr(colon + 1);
  while (!value.empty() && (value.back() == '\n' || value.back() == '\r')) value.remove_suffix(1);
  while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
  transfer.answer.headers[name] = value;
  return length;
}

void HttpTransfers::Impl::Transfer::Prepare(const Options& options) {
  easy = curl_easy_init();
  CHECK(easy != nullptr);
  auto set = [this](CURLoption option, auto value) {
    CHECK(curl_easy_setopt(easy, option, value) == CURLE_OK);
  };
  set(CURLOPT_URL, call.url.c_str());
  set(CURLOPT_PATH_AS_IS, 1L);
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_PROXY, "");
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_CONNECTTIMEOUT_MS, Milliseconds(options.connect_time));
  set(CURLOPT_TIMEOUT_MS, Milliseconds(call.time));
  set(CURLOPT_LOW_SPEED_LIMIT, 1L);
  set(CURLOPT_LOW_SPEED_TIME, std::max<long>(1, Milliseconds(options.stalled_time) / 1000));
  if (!options.ca_file.empty()) set(CURLOPT_CAINFO, options.ca_file.c_str());
  set(CURLOPT_ERRORBUFFER, words);
  set(CURLOPT_WRITEFUNCTION, &TakeBody);
  set(CURLOPT_WRITEDATA, this);
  set(CURLOPT_HEADERFUNCTION, &TakeHeader);
  set(CURLOPT_HEADERDATA, this);
  PrepareBody();
  // Without them libcurl adds its own, which nobody signed; and waits for a 100.
  for (const char* none : {"Expect:", "Accept:", "Content-Type:"})
    headers = curl_slist_append(headers, none);
  for (const std::string& header : call.headers)
    headers = curl_slist_append(headers, header.c_str());
  set(CURLOPT_HTTPHEADER, headers);
}

void HttpTransfers::Impl::Transfer::PrepareBody() {
  if (call.method == "HEAD") {
    curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    return;
  }
  if (call.method == "PUT" || call.method == "POST") {
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(call.body ? call.body->size() : 0));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, call.body ? call.body->data() : "");
  }
  curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, call.method.c_str());
}

Result<HttpAnswer> HttpTransfers::Impl::Transfer::Finish(CURLcode code) {
  if (too_much) return Fail(ErrorCode::kProtocol, "the answer is longer than it may be");
  if (code != CURLE_OK) return tl::unexpected<Error>(Translate(code, words));
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &answer.status);
  return std::move(answer);
}

HttpTransfers::HttpTransfers(Loop& loop, Options options)
    : impl_(std::make_unique<Impl>(loop, std::move(options))) {}
HttpTransfers::~HttpTransfers() = default;

void HttpTransfers::Start(HttpCall call, Done done) {
  auto transfer = std::make_unique<Impl::Transfer>();
  transfer->call = std::move(call);
  transfer->done = std::move(done);
  transfer->Prepare(impl_->options);
  CURL* easy = transfer->easy;
  impl_->transfers.emplace(easy, std::move(transfer));
  CHECK(curl_multi_add_handle(impl_->multi, easy) == CURLM_OK);
}

}  // namespace nightjar::s3
