// One reader of the feed over HTTP: server-sent events (WHATWG HTML, 9.2), as they happen.
//
// It writes as much as its client takes and comes back for the rest; what was dropped from the feed
// meanwhile is told as one event `gap`. A comment every bounds::kEventBeat tells both sides that
// the other is still there. Loop thread only.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>

#include "supervisor/feed/event_feed.h"
#include "supervisor/http/server.h"
#include "supervisor/loop/loop.h"

namespace nightjar {

struct EventFilter {
  std::string canvas;               // empty: every one
  std::set<proto::FeedKind> kinds;  // empty: every one
};

class EventStream {
 public:
  // `after`: the id of the last event that the client has; empty: it wants what happens from now
  // on. `over` is called once, from the loop, when the client is gone; it may destroy this. Null:
  // the feed has readers enough, and the responder is as it was.
  static std::unique_ptr<EventStream> Begin(Loop& loop, EventFeed& feed, EventFilter filter,
                                            const std::string& after, http::Responder& responder,
                                            std::function<void()> over);

 private:
  EventStream(Loop& loop, EventFeed& feed, EventFilter filter);
  void GoOnAfter(const std::string& id);
  void Pump();
  bool WriteGap();
  bool WriteNext();
  bool Passes(const proto::FeedEvent& event) const;

  EventFeed& feed_;
  const EventFilter filter_;
  uint64_t next_ = 0;
  bool missed_ = false;  // to be told before the next event
  std::unique_ptr<EventFeed::Reader> reader_;
  std::unique_ptr<http::ResponseStream> stream_;
  Timer retry_;
  Timer beat_;
};

}  // namespace nightjar
