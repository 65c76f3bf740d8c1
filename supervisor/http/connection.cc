#include "supervisor/http/connection.h"

#include <sys/socket.h>

#include "ipc/core/check.h"
#include "supervisor/http/server_core.h"

namespace nightjar::http {

Connection::Connection(std::shared_ptr<ServerCore> core, Fd socket, Peer peer)
    : core_(std::move(core)),
      socket_(std::move(socket)),
      peer_(std::move(peer)),
      timer_(core_->loop, [this] { OnDeadline(); }),
      parser_(core_->options) {}

Connection::~Connection() = default;

void Connection::Open() {
  watch_.emplace(core_->loop, socket_.get(), [this](unsigned events) { OnEvents(events); });
  Settle();
}

void Connection::OnEvents(unsigned events) {
  auto self = shared_from_this();
  if (events & FdWatch::kWritable) Pump();
  if (open_ && (events & (FdWatch::kReadable | FdWatch::kHangup))) Read();
}

void Connection::Read() {
  if (!taking_) return Discard();
  bool shared = draining_ && core_->keep;
  char* scratch = core_->scratch.data();
  ssize_t got =
      recv(socket_.get(), scratch, core_->scratch.size(), MSG_DONTWAIT | (shared ? MSG_PEEK : 0));
  std::string_view bytes(scratch, got > 0 ? static_cast<size_t>(got) : 0);
  if (got > 0) return shared ? TakeRestOfRequest(bytes) : TakeBytes(bytes);
  if (got == 0) return OnEndOfInput();
  if (errno != EAGAIN && errno != EINTR) Close();
}

// What is sent after the last request that is taken: only the end of it matters.
void Connection::Discard() {
  ssize_t got = recv(socket_.get(), core_->scratch.data(), core_->scratch.size(), MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got < 0) return Close();
  if (got == 0) return OnEndOfInput();
  discarded_ += static_cast<size_t>(got);
  if (discarded_ <= bounds::kHttpLingerBytes) return;
  if (lingering_) return Close();
  Settle();
}

// The client has sent its last byte. It may still read: answers go out, and a client that is gone
// altogether is found out by that.
void Connection::OnEndOfInput() {
  input_ended_ = true;
  for (auto& exchange : pipeline_) TellGone(exchange);
  if (lingering_) return Close();
  if (taking_ && parser_.phase() != RequestParser::Phase::kIdle)
    Refuse(400, "the connection ended within a request");
  taking_ = false;
  Pump();
}

void Connection::TakeBytes(std::string_view bytes) {
  busy_ = true;
  if (kept_.empty()) {
    // The usual case: nothing is left over, and nothing is copied.
    ParseSome(bytes);
    if (taking_) kept_.assign(bytes);
  } else {
    kept_.append(bytes);
  }
  Pump();
}

// Somebody else goes on with this connection: what lies behind the request that was begun is left
// in the socket for them.
void Connection::TakeRestOfRequest(std::string_view peeked) {
  busy_ = true;
  kept_.append(peeked);
  std::string_view rest = kept_;
  ParseSome(rest, Until::kEndOfRequest);
  size_t taken = peeked.size();
  if (open_ && taking_) {
    bool whole = parser_.phase() == RequestParser::Phase::kIdle;
    // What was kept before had no end of a request in it.
    CHECK(!whole || rest.size() <= taken);
    if (whole) taken -= rest.size();
    kept_.erase(0, whole ? kept_.size() : kept_.size() - rest.size());
  }
  // They are there, and so this takes them all.
  if (open_) recv(socket_.get(), core_->scratch.data(), taken, MSG_DONTWAIT);
  Pump();
}

// Whether to read: in a drain, only what has to be answered here.
bool Connection::Wants() const {
  if (stalled_ || !CanParse()) return false;
  if (!draining_ || parser_.phase() != RequestParser::Phase::kIdle) return true;
  return !core_->keep && pipeline_.empty();
}

// Between two requests, with nothing of either here.
bool Connection::IsIdle() const {
  return taking_ && pipeline_.empty() && outbox_.empty() && kept_.empty() &&
         parser_.phase() == RequestParser::Phase::kIdle;
}

bool Connection::CanParse() const {
  return open_ && taking_ && pipeline_.size() < core_->options.pipeline_depth_max &&
         outbox_.bytes() < bounds::kHttpOutboxBytes;
}

void Connection::ParseSome(std::string_view& bytes, Until until) {
  stalled_ = false;
  while (CanParse()) {
    RequestParser::Step step = parser_.Parse(bytes);
    if (step == RequestParser::Step::kRefused) {
      Refusal refusal = parser_.refusal();
      return Refuse(refusal.status, refusal.reason);
    }
    if (!CountBody()) return Refuse(503, "too many request bodies are being received");
    if (step == RequestParser::Step::kMore) return;
    if (step == RequestParser::Step::kContinue) owes_continue_ = true;
    if (step != RequestParser::Step::kRequest) continue;
    Dispatch(parser_.Take());
    if (until == Until::kEndOfRequest) return;
  }
  stalled_ = open_ && taking_ && !bytes.empty();
}

// Bodies of all connections share one bound. False: it is used up.
bool Connection::CountBody() {
  size_t now = parser_.body_bytes();
  core_->bodies_bytes += now - receiving_bytes_;
  receiving_bytes_ = now;
  return core_->bodies_bytes <= core_->options.bodies_bytes_max;
}

void Connection::Dispatch(ParsedRequest parsed) {
  auto exchange = std::make_shared<ExchangeState>();
  exchange->connection = this;
  exchange->head_request = parsed.request.method == "HEAD";
  exchange->http_1_0 = parsed.http_1_0;
  exchange->keep_alive = parsed.keep_alive;
  exchange->body_bytes = std::exchange(receiving_bytes_, 0);
  owes_continue_ = false;  // the body came without being asked for
  taking_ = parsed.keep_alive;
  waiting_ = Wait::kNothing;  // what comes next has a deadline of its own
  read_deadline_ = MonoTime::max();
  pipeline_.push_back(exchange);
  parsed.request.peer = peer_.text;
  parsed.request.peer_uid = peer_.uid;
  parsed.request.received = core_->Now();
  core_->handler(std::move(parsed.request), Responder(std::move(exchange)));
}

// Answered in its place in the pipeline; nothing more is taken from this client.
void Connection::Refuse(unsigned status, std::string_view reason) {
  auto exchange = std::make_shared<ExchangeState>();
  exchange->refusal = true;
  exchange->answered = true;
  exchange->keep_alive = false;
  exchange->response.status = status;
  exchange->response.headers.emplace_back("Content-Type", "text/plain; charset=utf-8");
  if (status == 503) exchange->response.headers.emplace_back("Retry-After", "1");
  exchange->response.body = std::to_string(status) + " " + ReasonPhrase(status) + ": ";
  exchange->response.body.append(reason).append("\n");
  pipeline_.push_back(std::move(exchange));
  taking_ = false;
  stalled_ = false;
  owes_continue_ = false;
  linger_ = true;
  kept_.clear();
}

void Connection::Drain() {
  auto self = shared_from_this();
  draining_ = true;
  if (waiting_ == Wait::kIdle) waiting_ = Wait::kNothing;  // a drain is less patient
  if (!busy_) Pump();  // else this is inside a handler, and Pump is further up the stack
}

void Connection::EndDrain() {
  auto self = shared_from_this();
  if (!taking_) return;
  if (parser_.phase() != RequestParser::Phase::kIdle) {
    Refuse(503, "the server is shutting down");
  } else if (IsIdle()) {
    taking_ = false;
  }
  if (!busy_) Pump();
}

}  // namespace nightjar::http
