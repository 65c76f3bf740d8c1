#include <charconv>

#include "ipc/core/check.h"
#include "supervisor/http/connection.h"
#include "supervisor/http/exchange.h"

namespace nightjar::http {
namespace {

Response DroppedResponse() {
  Response response;
  response.status = 500;
  response.headers.emplace_back("Content-Type", "text/plain; charset=utf-8");
  response.body = "500 Internal Server Error: no answer was given\n";
  return response;
}

// A chunk of RFC 9112, 7.1. One of no bytes would be the end.
void AppendPart(ExchangeState& exchange, std::string_view bytes) {
  if (exchange.head_request || bytes.empty()) return;
  if (exchange.http_1_0) {
    exchange.waiting.append(bytes);
    return;
  }
  char size[20];
  auto end = std::to_chars(size, size + sizeof size, bytes.size(), 16).ptr;
  exchange.waiting.append(size, end).append("\r\n").append(bytes).append("\r\n");
}

}  // namespace

Responder::Responder(std::shared_ptr<ExchangeState> state) : state_(std::move(state)) {}
Responder::Responder(Responder&&) noexcept = default;

Responder& Responder::operator=(Responder&& other) noexcept {
  if (this == &other) return *this;
  Responder dropped(std::move(*this));
  state_ = std::move(other.state_);
  return *this;
}

Responder::~Responder() {
  if (state_) Send(DroppedResponse());
}

void Responder::Send(Response response) {
  CHECK(state_ != nullptr);  // sent before, or moved from
  std::shared_ptr<ExchangeState> state = std::move(state_);
  state->answered = true;
  if (state->connection == nullptr) return;
  state->response = std::move(response);
  state->connection->OnAnswered();
}

std::unique_ptr<ResponseStream> Responder::Stream(Response head) {
  CHECK(state_ != nullptr);
  std::shared_ptr<ExchangeState> state = std::move(state_);
  state->streamed = true;
  std::string first = std::move(head.body);
  head.body.clear();
  state->response = std::move(head);
  auto stream = std::make_unique<ResponseStream>(state);
  if (first.empty() && state->connection != nullptr) state->connection->OnAnswered();
  if (!first.empty()) stream->Write(first);
  return stream;
}

ResponseStream::ResponseStream(std::shared_ptr<ExchangeState> state) : state_(std::move(state)) {}

ResponseStream::~ResponseStream() {
  state_->gone = nullptr;
  state_->answered = true;
  if (state_->connection != nullptr) state_->connection->OnAnswered();
}

bool ResponseStream::Write(std::string_view bytes) {
  if (state_->connection == nullptr || state_->client_gone) return false;
  if (state_->waiting.size() + state_->connection->unsent_bytes() > bounds::kHttpOutboxBytes)
    return false;
  AppendPart(*state_, bytes);
  state_->connection->OnAnswered();
  return true;
}

void ResponseStream::OnGone(std::function<void()> gone) {
  state_->gone = std::move(gone);
}

bool Responder::client_gone() const {
  return state_ == nullptr || state_->client_gone;
}

}  // namespace nightjar::http
