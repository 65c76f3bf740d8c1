#include <sys/socket.h>

#include <algorithm>

#include "supervisor/http/connection.h"
#include "supervisor/http/server_core.h"

namespace nightjar::http {

void Connection::OnAnswered() {
  if (busy_) return;  // Pump, further up the stack, sends it together with others
  auto self = shared_from_this();
  busy_ = true;
  SendAnswered();
  busy_ = false;
  // Requests that wait are handed out in a later turn: whoever answers does not expect to be asked
  // again before Send returns.
  if (stalled_ && CanParse()) core_->resume_later(weak_from_this());
  if (open_) Settle();
}

void Connection::Resume() {
  auto self = shared_from_this();
  if (open_) Pump();
}

void Connection::Pump() {
  busy_ = true;
  SendAnswered();
  while (!kept_.empty() && CanParse()) {
    std::string_view rest = kept_;
    ParseSome(rest);
    kept_.erase(0, taking_ ? kept_.size() - rest.size() : kept_.size());
    SendAnswered();
    if (!stalled_) break;
  }
  if (kept_.empty() && kept_.capacity() > bounds::kHttpReadBytes) kept_.shrink_to_fit();
  busy_ = false;
  if (open_) Settle();
}

void Connection::SendAnswered() {
  size_t answered = 0;
  for (; answered < pipeline_.size(); ++answered) {
    ExchangeState& next = *pipeline_[answered];
    if (next.streamed) AppendStreamed(next);
    if (!next.answered) break;
    if (!next.streamed) Append(next);
  }
  pipeline_.erase(pipeline_.begin(), pipeline_.begin() + static_cast<std::ptrdiff_t>(answered));
  if (owes_continue_ && pipeline_.empty()) {
    owes_continue_ = false;
    outbox_.Tail().append("HTTP/1.1 100 Continue\r\n\r\n");
    outbox_.Wrote();
  }
  if (!open_ || outbox_.empty()) return;
  bool was_waiting = write_deadline_ != MonoTime::max();
  Outbox::Sent sent = outbox_.WriteTo(socket_.get());
  if (sent == Outbox::Sent::kBroken) return Close();
  if (sent == Outbox::Sent::kAll) {
    write_deadline_ = MonoTime::max();
  } else if (sent == Outbox::Sent::kSome || !was_waiting) {
    write_deadline_ = core_->Now() + core_->options.write_time;
  }
}

void Connection::Append(ExchangeState& exchange) {
  core_->bodies_bytes -= std::exchange(exchange.body_bytes, 0);
  exchange.connection = nullptr;
  bool body_follows = AppendHead(exchange.response, FramingOf(exchange),
                                 core_->date.At(core_->clock.Wall()), outbox_.Tail());
  outbox_.Wrote();
  if (body_follows) outbox_.AppendBody(std::move(exchange.response.body));
}

void Connection::AppendStreamed(ExchangeState& exchange) {
  core_->bodies_bytes -= std::exchange(exchange.body_bytes, 0);
  if (!std::exchange(exchange.head_sent, true)) {
    if (exchange.http_1_0) {
      taking_ = stalled_ = false;
      kept_.clear();
    }
    HeadFraming framing = FramingOf(exchange);
    framing.length =
        exchange.http_1_0 ? HeadFraming::Length::kUntilClose : HeadFraming::Length::kChunked;
    AppendHead(exchange.response, framing, core_->date.At(core_->clock.Wall()), outbox_.Tail());
    outbox_.Wrote();
  }
  if (exchange.answered && !exchange.http_1_0 && !exchange.head_request)
    exchange.waiting.append("0\r\n\r\n");
  if (!exchange.waiting.empty()) outbox_.AppendBody(std::exchange(exchange.waiting, {}));
  if (exchange.answered) exchange.connection = nullptr;
}

HeadFraming Connection::FramingOf(const ExchangeState& exchange) {
  HeadFraming framing;
  framing.head_request = exchange.head_request;
  bool newest = pipeline_.back().get() == &exchange;
  if (newest && draining_ && !core_->keep && taking_ && kept_.empty() &&
      parser_.phase() == RequestParser::Phase::kIdle) {
    taking_ = false;
    linger_ = true;  // the client may have sent more
  }
  if (newest && !taking_) {
    framing.connection = HeadFraming::Connection::kClose;
  } else if (exchange.http_1_0) {
    framing.connection = HeadFraming::Connection::kKeepAlive;
  }
  return framing;
}

// In a later turn: whoever is told may end the answer, and this connection with it.
void Connection::TellGone(const std::shared_ptr<ExchangeState>& exchange) {
  exchange->client_gone = true;
  if (!exchange->gone) return;
  core_->loop.Post([exchange] {
    if (auto gone = std::exchange(exchange->gone, nullptr)) gone();
  });
}

// Leaves the connection waiting for the right things, or ends it.
void Connection::Settle() {
  if (!taking_ && !lingering_ && pipeline_.empty() && outbox_.empty()) Finish();
  if (!open_) return;
  if (draining_ && core_->keep && IsIdle()) return GiveToKeeper();
  bool reads = !input_ended_ && (taking_ ? Wants() : discarded_ <= bounds::kHttpLingerBytes);
  watch_->Start((reads ? FdWatch::kReadable : 0u) | (outbox_.empty() ? 0u : FdWatch::kWritable));
  UpdateWaiting();
  UpdateTimer();
}

void Connection::GiveToKeeper() {
  auto self = shared_from_this();
  watch_.reset();
  Fd socket = std::move(socket_);
  Close();
  core_->keep(std::move(socket));
}

// Every answer is out. Closing while the client still sends would reset the connection, and the
// reset could overtake the answer; so after a refusal it is closed for writing only, until the
// client has seen that.
void Connection::Finish() {
  if (!linger_ || input_ended_ || discarded_ > bounds::kHttpLingerBytes) return Close();
  lingering_ = true;
  waiting_ = Wait::kNothing;
  if (shutdown(socket_.get(), SHUT_WR) != 0) return Close();
  read_deadline_ = core_->Now() + core_->options.linger_time;
}

void Connection::UpdateWaiting() {
  if (lingering_) return;
  Wait wait = Wait::kNothing;
  if (taking_ && !stalled_) {
    switch (parser_.phase()) {
      case RequestParser::Phase::kHeader:
        wait = Wait::kHeader;
        break;
      case RequestParser::Phase::kBody:
        wait = owes_continue_ ? Wait::kNothing : Wait::kBody;
        break;
      case RequestParser::Phase::kIdle:
        wait = pipeline_.empty() && outbox_.empty() ? Wait::kIdle : Wait::kNothing;
    }
  }
  if (wait == waiting_) return;
  waiting_ = wait;
  const Options& options = core_->options;
  MonoTime now = core_->Now();
  Nanos idle_time = draining_ ? options.drain_idle_time : options.idle_time;
  read_deadline_ = wait == Wait::kIdle     ? now + idle_time
                   : wait == Wait::kHeader ? now + options.header_time
                   : wait == Wait::kBody   ? now + options.body_time
                                           : MonoTime::max();
}

// The timer may stand too early, never too late: most deadlines move on before they come, and are
// looked at when it fires.
void Connection::UpdateTimer() {
  MonoTime next = std::min(read_deadline_, write_deadline_);
  if (next >= timer_at_) return;
  timer_at_ = next;
  timer_.StartAfter(next - core_->Now());
}

void Connection::OnDeadline() {
  auto self = shared_from_this();
  timer_at_ = MonoTime::max();
  MonoTime now = core_->Now();
  if (now >= write_deadline_) return Close();
  if (now < read_deadline_) return UpdateTimer();
  read_deadline_ = MonoTime::max();
  if (waiting_ == Wait::kHeader || waiting_ == Wait::kBody) {
    Refuse(408, waiting_ == Wait::kHeader ? "the header took too long" : "the body took too long");
    return Pump();
  }
  Close();  // idle, or done lingering
}

void Connection::Abort() {
  Close();
}

void Connection::Close() {
  if (!open_) return;
  auto self = shared_from_this();
  open_ = taking_ = stalled_ = false;
  core_->bodies_bytes -= std::exchange(receiving_bytes_, 0);
  for (auto& exchange : pipeline_) {
    exchange->connection = nullptr;
    TellGone(exchange);
    core_->bodies_bytes -= std::exchange(exchange->body_bytes, 0);
  }
  pipeline_.clear();
  timer_.Stop();
  watch_.reset();
  socket_.Close();
  core_->connections.erase(place);
  if (core_->on_closed) core_->on_closed();
}

}  // namespace nightjar::http
