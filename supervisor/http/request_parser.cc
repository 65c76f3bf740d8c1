#include "supervisor/http/request_parser.h"

// The only file that sees Beast: its headers cost seconds to compile.
#include <boost/beast/http/basic_parser.hpp>

#include "ipc/core/check.h"
#include "supervisor/http/ascii.h"
#include "supervisor/http/authority.h"

namespace nightjar::http {
namespace {

namespace beast = boost::beast;
using Bytes = beast::string_view;
using Code = beast::error_code;
using BeastError = beast::http::error;

// A last chunk is five bytes, and so is the least that can still follow while a chunked body is not
// whole. Beast counts on that when it is called again within a last chunk.
constexpr size_t kLastChunkBytes = 5;

std::string_view View(Bytes bytes) {
  return {bytes.data(), bytes.size()};
}

Refusal RefusalOf(const Code& code) {
  if (code == BeastError::header_limit) return {431, "the header is too large"};
  if (code == BeastError::body_limit) return {413, "the body is too large"};
  if (code == BeastError::bad_version) return {505, "only HTTP/1.0 and HTTP/1.1 are spoken here"};
  if (code == BeastError::bad_method || code == BeastError::bad_target)
    return {400, "the request line is malformed"};
  if (code == BeastError::bad_content_length)
    return {400, "Content-Length is malformed or repeated"};
  if (code == BeastError::bad_transfer_encoding)
    return {400, "Transfer-Encoding is malformed, repeated or beside Content-Length"};
  if (code == BeastError::bad_chunk || code == BeastError::bad_chunk_extension)
    return {400, "a chunk is malformed"};
  return {400, "a header line is malformed"};
}

// One message: Beast calls back with its parts, in the order of the bytes.
class Message final : public beast::http::basic_parser<true> {
 public:
  explicit Message(const Options& options) : options_(options) {
    // The exact bounds are kept below, from what was sent; these only stop a line without an end.
    header_limit(static_cast<uint32_t>(options.header_bytes_max + 2 * options.target_bytes_max));
    body_limit(options.body_bytes_max);
  }

  ParsedRequest parsed;
  std::optional<Refusal> refusal;
  bool header_done = false;
  bool expects_continue = false;

 private:
  void Refuse(unsigned status, std::string_view reason, Code& code) {
    refusal = Refusal{status, reason};
    code = BeastError::bad_value;
  }

  void on_request_impl(beast::http::verb, Bytes method, Bytes target, int version,
                       Code& code) override {
    parsed.http_1_0 = version == 10;
    if (method.size() > bounds::kHttpMethodBytes)
      return Refuse(400, "the method is too long", code);
    if (target.size() > options_.target_bytes_max)
      return Refuse(414, "the request's target is too long", code);
    for (unsigned char byte : View(target))
      if (byte >= 0x80)
        return Refuse(400, "the target has bytes that must be percent-encoded", code);
    parsed.request.method = View(method);
    parsed.request.target = View(target);
  }

  void on_field_impl(beast::http::field field, Bytes name, Bytes value, Code& code) override {
    header_bytes_ += name.size() + value.size() + 4;  // ": " and the line's end
    if (header_bytes_ > options_.header_bytes_max)
      return Refuse(431, "the header is too large", code);
    if (++header_count_ > options_.header_count_max)
      return Refuse(431, "too many header lines", code);
    if (header_done) return;  // a trailer: counted, never merged into what was already checked
    parsed.request.headers.emplace_back(View(name), View(value));
    if (field == beast::http::field::host) return TakeHost(View(value), code);
    if (field == beast::http::field::transfer_encoding) return TakeEncoding(View(value), code);
    if (field == beast::http::field::expect) return TakeExpect(View(value), code);
  }

  void TakeHost(std::string_view value, Code& code) {
    if (has_host_) return Refuse(400, "Host is there more than once", code);
    has_host_ = true;
    std::optional<std::string> host = HostOf(value);
    if (!host) return Refuse(400, "Host is malformed", code);
    parsed.request.host = std::move(*host);
  }

  // A coding that only one of two readers understands is how a request hides inside another.
  void TakeEncoding(std::string_view value, Code& code) {
    if (parsed.http_1_0) return Refuse(400, "HTTP/1.0 has no Transfer-Encoding", code);
    if (!EqualsNoCase(value, "chunked"))
      Refuse(501, "the only Transfer-Encoding understood is chunked", code);
  }

  void TakeExpect(std::string_view value, Code& code) {
    if (parsed.http_1_0) return;  // RFC 9110 10.1.1: ignored
    if (!EqualsNoCase(value, "100-continue"))
      return Refuse(417, "the only Expect understood is 100-continue", code);
    expects_continue = true;
  }

  void on_header_impl(Code& code) override {
    header_done = true;
    parsed.keep_alive = keep_alive();
    Request& request = parsed.request;
    if (!has_host_ && !parsed.http_1_0) return Refuse(400, "Host is missing", code);
    if (request.target.front() == '/') return;
    if (request.target == "*" && request.method == "OPTIONS") return;
    std::optional<AbsoluteTarget> absolute = SplitAbsolute(request.target);
    if (!absolute) return Refuse(400, "the target is neither a path nor a URL", code);
    // RFC 9112 3.2.2: the target's authority stands in for Host.
    std::optional<std::string> host = HostOf(absolute->authority);
    if (!host || host->empty()) return Refuse(400, "the target's host is malformed", code);
    request.host = std::move(*host);
    request.target = std::move(absolute->target);
  }

  void on_body_init_impl(const boost::optional<uint64_t>& length, Code&) override {
    // The claim is only a hint: what is not sent is not allocated.
    if (length) parsed.request.body.reserve(std::min<uint64_t>(*length, bounds::kHttpReadBytes));
  }
  size_t on_body_impl(Bytes body, Code&) override {
    parsed.request.body.append(View(body));
    return body.size();
  }
  void on_chunk_header_impl(uint64_t, Bytes, Code&) override {}
  size_t on_chunk_body_impl(uint64_t, Bytes body, Code&) override {
    parsed.request.body.append(View(body));
    return body.size();
  }
  void on_finish_impl(Code&) override {}
  void on_response_impl(int, Bytes, int, Code&) override {}

  const Options& options_;
  size_t header_bytes_ = 0;
  size_t header_count_ = 0;
  bool has_host_ = false;
};

}  // namespace

struct RequestParser::Impl {
  Step Refuse(Refusal why) {
    refusal = why;
    message.reset();
    return Step::kRefused;
  }
  Step Advance(std::string_view& bytes);
  Step CheckUntaken(std::string_view bytes);
  bool IsEndlessLine(std::string_view bytes) const;

  const Options& options;
  std::optional<Message> message;  // of the request that has begun
  std::optional<Refusal> refusal;
  bool told_continue = false;
};

RequestParser::RequestParser(const Options& options) : impl_(new Impl{options, {}, {}, false}) {}
RequestParser::~RequestParser() = default;

RequestParser::Step RequestParser::Parse(std::string_view& bytes) {
  if (impl_->refusal) return Step::kRefused;
  if (!impl_->message) {
    // RFC 9112 2.2: empty lines before a request are let pass.
    while (!bytes.empty() && (bytes.front() == '\r' || bytes.front() == '\n'))
      bytes.remove_prefix(1);
    if (bytes.empty()) return Step::kMore;
    impl_->message.emplace(impl_->options);
    impl_->told_continue = false;
  }
  return impl_->Advance(bytes);
}

RequestParser::Step RequestParser::Impl::Advance(std::string_view& bytes) {
  while (!message->is_done()) {
    if (message->header_done && message->chunked() && bytes.size() < kLastChunkBytes) {
      if (!bytes.empty() || !message->expects_continue || told_continue) return Step::kMore;
    }
    if (bytes.empty()) {
      bool waits = message->header_done && message->expects_continue && !told_continue;
      if (!waits) return Step::kMore;
      told_continue = true;
      return Step::kContinue;
    }
    Code code;
    size_t taken = message->put(boost::asio::const_buffer(bytes.data(), bytes.size()), code);
    bytes.remove_prefix(taken);
    if (code == BeastError::need_more || IsEndlessLine(bytes)) return CheckUntaken(bytes);
    if (message->refusal) return Refuse(*message->refusal);
    if (code) return Refuse(RefusalOf(code));
    message->eager(true);  // the header by itself, so that Expect is seen; then all there is
  }
  return Step::kRequest;
}

// Bytes that make nothing whole yet are kept by the caller: they are bounded here.
RequestParser::Step RequestParser::Impl::CheckUntaken(std::string_view bytes) {
  if (message->header_done) {
    if (bytes.size() > options.header_bytes_max)
      return Refuse({400, "a chunk's header or the trailer is too large"});
    return Step::kMore;
  }
  if (IsEndlessLine(bytes)) return Refuse({414, "the request's target is too long"});
  if (bytes.size() > options.header_bytes_max + options.target_bytes_max)
    return Refuse({431, "the header is too large"});
  return Step::kMore;
}

// More bytes than a request line may have, and its end is not among them.
bool RequestParser::Impl::IsEndlessLine(std::string_view bytes) const {
  constexpr size_t kRestOfLine = bounds::kHttpMethodBytes + sizeof("  HTTP/1.1\r\n");
  return message->parsed.request.method.empty() &&
         bytes.size() > options.target_bytes_max + kRestOfLine &&
         bytes.substr(0, options.target_bytes_max + kRestOfLine).find('\n') ==
             std::string_view::npos;
}

ParsedRequest RequestParser::Take() {
  CHECK(impl_->message && impl_->message->is_done());
  ParsedRequest parsed = std::move(impl_->message->parsed);
  impl_->message.reset();
  return parsed;
}

Refusal RequestParser::refusal() const {
  CHECK(impl_->refusal.has_value());
  return *impl_->refusal;
}

RequestParser::Phase RequestParser::phase() const {
  if (!impl_->message) return Phase::kIdle;
  return impl_->message->header_done ? Phase::kBody : Phase::kHeader;
}

size_t RequestParser::body_bytes() const {
  return impl_->message ? impl_->message->parsed.request.body.size() : 0;
}

}  // namespace nightjar::http
