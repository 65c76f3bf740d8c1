#include "supervisor/journal/missed_routes.h"

#include <algorithm>

#include "ipc/core/bounds.h"
#include "ipc/core/log.h"
#include "ipc/core/utf8.h"

namespace nightjar {
namespace {

std::string Cut(std::string text) {
  CutToUtf8(&text, bounds::kMissedTextBytes);
  return text;
}

// `newer` in the place of `note`: what one of them does not have is the other's.
void Merge(proto::MissedRoute newer, proto::MissedRoute* note) {
  if (newer.last_unix_us() < note->last_unix_us()) std::swap(newer, *note);
  newer.set_count(newer.count() + note->count());
  newer.set_first_unix_us(std::min(newer.first_unix_us(), note->first_unix_us()));
  if (!newer.has_request() && note->has_request())
    newer.mutable_request()->Swap(note->mutable_request());
  *note = std::move(newer);
}

}  // namespace

proto::MissedRoute* MissedRoutes::Find(const std::string& canvas, const Route& route) {
  auto of_canvas = notes_.find(canvas);
  if (of_canvas == notes_.end()) return nullptr;
  auto note = of_canvas->second.find(route);
  return note == of_canvas->second.end() ? nullptr : &note->second;
}

bool MissedRoutes::WantsRequest(const std::string& canvas, const std::string& method,
                                const std::string& path) {
  if (request_bytes_ >= bounds::kMissedRequestsBytes) return false;
  const proto::MissedRoute* note = Find(canvas, {Cut(method), Cut(path)});
  return note == nullptr || !note->has_request();
}

void MissedRoutes::Add(proto::MissedRoute seen) {
  for (std::string* text : {seen.mutable_method(), seen.mutable_path(), seen.mutable_request_line(),
                            seen.mutable_caller()})
    CutToUtf8(text, bounds::kMissedTextBytes);
  if (RequestBytes(seen) > bounds::kMissedRequestBytes) seen.clear_request();
  const Route route(seen.method(), seen.path());
  if (proto::MissedRoute* note = Find(seen.canvas(), route)) {
    request_bytes_ -= RequestBytes(*note);
    Merge(std::move(seen), note);
    request_bytes_ += RequestBytes(*note);
    return;
  }
  auto of_canvas = notes_.find(seen.canvas());
  bool full = waiting_ >= bounds::kMissedRoutesWaiting ||
              (of_canvas != notes_.end() && of_canvas->second.size() >= bounds::kMissedRoutesKept);
  if (full) {
    dropped_ += seen.count();
    return;
  }
  ++waiting_;
  request_bytes_ += RequestBytes(seen);
  std::string canvas = seen.canvas();
  notes_[std::move(canvas)].emplace(route, std::move(seen));
}

size_t MissedRoutes::RequestBytes(const proto::MissedRoute& note) {
  return note.has_request() ? note.request().ByteSizeLong() : 0;
}

// As many as a frame holds.
proto::RoutesMissed MissedRoutes::TakeSome() {
  proto::RoutesMissed some;
  for (size_t bytes = 0; !notes_.empty() && bytes < bounds::kMissedToldBytes; --waiting_) {
    auto of_canvas = notes_.begin();
    auto note = of_canvas->second.begin();
    request_bytes_ -= RequestBytes(note->second);
    bytes += note->second.ByteSizeLong();
    *some.add_routes() = std::move(note->second);
    of_canvas->second.erase(note);
    if (of_canvas->second.empty()) notes_.erase(of_canvas);
  }
  return some;
}

void MissedRoutes::Tell() {
  // What a failed one puts back is for the next time.
  for (size_t left = waiting_; left > 0;) {
    proto::RoutesMissed some = TakeSome();
    left -= std::min(left, static_cast<size_t>(some.routes_size()));
    proto::ToWriter message;
    *message.mutable_routes_missed() = some;
    ++asked_;
    journal_.Ask(std::move(message), [this, alive = std::weak_ptr<bool>(alive_),
                                      some = std::move(some)](Result<proto::FromWriter> answer) {
      if (!alive.expired()) OnTold(some, answer);
    });
  }
}

void MissedRoutes::OnTold(const proto::RoutesMissed& told,
                          const Result<proto::FromWriter>& answer) {
  --asked_;
  if (!answer && !refused_)
    LogWarning("missed_routes_untold", {{"error", answer.error().ToString()}});
  refused_ = !answer;
  if (answer) return;
  for (const proto::MissedRoute& route : told.routes()) Add(route);
}

void MissedRoutes::List(const std::string& canvas,
                        std::function<void(Result<proto::MissedList>)> answered) {
  Tell();
  proto::ToWriter question;
  question.mutable_list_missed()->set_canvas(canvas);
  journal_.Ask(std::move(question),
               [answered = std::move(answered)](Result<proto::FromWriter> answer) {
                 if (!answer) return answered(tl::unexpected<Error>(answer.error()));
                 answered(std::move(*answer->mutable_missed()));
               });
}

}  // namespace nightjar
