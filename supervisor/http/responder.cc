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

}  // namespace

Responder::Responder(std::shared_ptr<State> state) : state_(std::move(state)) {}
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
  std::shared_ptr<State> state = std::move(state_);
  state->answered = true;
  if (state->connection == nullptr) return;
  state->response = std::move(response);
  state->connection->OnAnswered();
}

bool Responder::client_gone() const {
  return state_ == nullptr || state_->client_gone;
}

}  // namespace nightjar::http
