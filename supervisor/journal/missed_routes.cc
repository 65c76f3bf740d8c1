#include "supervisor/journal/missed_routes.h"

#include <algorithm>

#include "ipc/core/bounds.h"
#include "ipc/core/log.h"
#include "ipc/core/utf8.h"

namespace nightjar {
void MissedRoutes::Add(proto::MissedRoute seen) {
  for (std::string* text : {seen.mutable_method(), seen.mutable_path(), seen.mutable_request_line(),
                            seen.mutable_caller()})
    CutToUtf8(text, bounds::kMissedTextBytes);
  auto of_canvas = notes_.find(seen.canvas());
  const Route route(seen.method(), seen.path());
  if (of_canvas != notes_.end()) {
    if (auto known = of_canvas->second.find(route); known != of_canvas->second.end()) {
      uint64_t count = known->second.count() + seen.count();
      int64_t first = std::min(known->second.first_unix_us(), seen.first_unix_us());
      if (seen.last_unix_us() >= known->second.last_unix_us()) known->second = std::move(seen);
      known->second.set_count(count);
      known->second.set_first_unix_us(first);
      return;
    }
  }
  bool full = waiting_ >= bounds::kMissedRoutesWaiting ||
              (of_canvas != notes_.end() && of_canvas->second.size() >= bounds::kMissedRoutesKept);
  if (full) {
    dropped_ += seen.count();
    return;
  }
  ++waiting_;
  std::string canvas = seen.canvas();
  notes_[std::move(canvas)].emplace(route, std::move(seen));
}

// As many as a frame holds with texts of any length.
proto::RoutesMissed MissedRoutes::TakeSome() {
  proto::RoutesMissed some;
  while (!notes_.empty() && static_cast<size_t>(some.routes_size()) < bounds::kMissedRoutesTold) {
    auto of_canvas = notes_.begin();
    auto note = of_canvas->second.begin();
    *some.add_routes() = std::move(note->second);
    of_canvas->second.erase(note);
    if (of_canvas->second.empty()) notes_.erase(of_canvas);
    --waiting_;
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
