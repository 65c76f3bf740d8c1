#include "supervisor/control/event_stream.h"

#include <charconv>

#include "ipc/core/bounds.h"

namespace nightjar {

EventStream::EventStream(Loop& loop, EventFeed& feed, EventFilter filter)
    : feed_(feed),
      filter_(std::move(filter)),
      next_(feed.next()),
      retry_(loop, [this] { Pump(); }),
      beat_(loop, [this] { stream_->Write(":\n\n"); }) {}

std::unique_ptr<EventStream> EventStream::Begin(Loop& loop, EventFeed& feed, EventFilter filter,
                                                const std::string& after,
                                                http::Responder& responder,
                                                std::function<void()> over) {
  std::unique_ptr<EventStream> stream(new EventStream(loop, feed, std::move(filter)));
  EventStream* raw = stream.get();
  stream->reader_ = feed.Read([raw] { raw->Pump(); });
  if (!stream->reader_) return nullptr;
  if (!after.empty()) stream->GoOnAfter(after);
  http::Response head;
  head.headers.emplace_back("Content-Type", "text/event-stream");
  head.headers.emplace_back("Cache-Control", "no-store");
  // A first sign of life: whoever reads knows that nothing is missed from here on.
  head.body = ":\n\n";
  stream->stream_ = responder.Stream(std::move(head));
  stream->stream_->OnGone(std::move(over));
  stream->beat_.StartEvery(bounds::kEventBeat);
  stream->Pump();
  return stream;
}

// "LIFE-NUMBER". Of another life, or of a number that is not kept: something was missed.
void EventStream::GoOnAfter(const std::string& id) {
  size_t dash = id.rfind('-');
  uint64_t number = 0;
  bool sound = dash != std::string::npos && id.compare(0, dash, feed_.life()) == 0;
  if (sound) {
    const char* end = id.data() + id.size();
    auto [stop, failed] = std::from_chars(id.data() + dash + 1, end, number);
    sound = failed == std::errc() && stop == end && number < feed_.next();
  }
  missed_ = !sound || number + 1 < feed_.oldest();
  next_ = missed_ ? feed_.oldest() : number + 1;
}

void EventStream::Pump() {
  for (size_t left = bounds::kEventsPerTurn; left > 0; --left) {
    if (next_ < feed_.oldest()) {
      missed_ = true;
      next_ = feed_.oldest();
    }
    if (missed_ && !WriteGap()) return retry_.StartAfter(bounds::kEventRetry);
    if (next_ == feed_.next()) return;
    if (!WriteNext()) return retry_.StartAfter(bounds::kEventRetry);
  }
  retry_.StartAfter(Nanos(0));
}

bool EventStream::WriteGap() {
  missed_ = !stream_->Write("event: gap\ndata: {\"kind\":\"FEED_KIND_GAP\"}\n\n");
  return !missed_;
}

bool EventStream::WriteNext() {
  const proto::FeedEvent& event = feed_.At(next_);
  if (Passes(event) && !stream_->Write("id: " + feed_.life() + "-" + std::to_string(next_) +
                                       "\nevent: " + FeedKindName(event.kind()) +
                                       "\ndata: " + feed_.JsonAt(next_) + "\n\n"))
    return false;
  ++next_;
  return true;
}

bool EventStream::Passes(const proto::FeedEvent& event) const {
  return (filter_.canvas.empty() || filter_.canvas == event.canvas()) &&
         (filter_.kinds.empty() || filter_.kinds.count(event.kind()) == 1);
}

}  // namespace nightjar
