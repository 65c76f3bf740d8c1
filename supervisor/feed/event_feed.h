// What happens, for whoever looks on: new traces, kills, refusals, routes that are not there,
// deploys.
//
// Events are numbered. The newest bounds::kEventsKept are kept while somebody looks on, and for
// bounds::kEventsKeptFor afterwards, so that a reader who was away a moment goes on where they
// were; without readers an event costs its number and nothing else. Readers take events at their
// own pace: one who is too slow finds that the oldest are gone. Loop thread only.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <string>

#include "ipc/core/clock.h"
#include "ipc/proto/control.pb.h"

namespace nightjar {

class EventFeed {
 public:
  explicit EventFeed(const Clock& clock);

  // Whether the event that just happened is to be made and published. Where nobody looks on it is
  // counted here, and that is all.
  bool Wants();
  // After Wants(). Its time is set, and long texts are cut.
  void Publish(proto::FeedEvent event);

  // Numbers mean something within one supervisor's life alone.
  const std::string& life() const { return life_; }
  uint64_t oldest() const { return next_ - kept_.size(); }  // that is kept
  uint64_t next() const { return next_; }                   // that the next event will have
  const proto::FeedEvent& At(uint64_t number) const { return kept_[number - oldest()].event; }
  // As the control plane writes it; made once.
  const std::string& JsonAt(uint64_t number);

  // Somebody who looks on until this is destroyed, before the feed is.
  class Reader {
   public:
    ~Reader();

   private:
    friend class EventFeed;
    Reader(EventFeed& feed, std::function<void()> more) : feed_(feed), more_(std::move(more)) {}
    EventFeed& feed_;
    std::function<void()> more_;
    std::list<Reader*>::iterator place_;
  };
  // `more` is called when an event was published, and may destroy the reader. Null: there are
  // bounds::kEventReaders already.
  std::unique_ptr<Reader> Read(std::function<void()> more);

 private:
  struct Kept {
    proto::FeedEvent event;
    std::string json;  // empty: nobody has asked yet
  };

  const Clock& clock_;
  const std::string life_;
  uint64_t next_ = 1;
  std::deque<Kept> kept_;
  std::list<Reader*> readers_;
  MonoTime kept_until_{};  // without a reader
};

// "kill": how a kind is called in a filter and in a stream; empty for none.
std::string FeedKindName(proto::FeedKind kind);
// UNSPECIFIED: there is none of that name.
proto::FeedKind FeedKindNamed(const std::string& name);

}  // namespace nightjar
