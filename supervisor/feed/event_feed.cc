#include "supervisor/feed/event_feed.h"

#include <google/protobuf/util/json_util.h>

#include "ipc/core/bounds.h"
#include "ipc/core/ids.h"
#include "ipc/core/utf8.h"

namespace nightjar {
namespace {

constexpr char kPrefix[] = "FEED_KIND_";

}  // namespace

EventFeed::EventFeed(const Clock& clock)
    : clock_(clock), life_(RunId::New(clock.Wall()).ToString().substr(0, 18)) {}

bool EventFeed::Wants() {
  if (!readers_.empty() || clock_.Mono() < kept_until_) return true;
  kept_.clear();
  ++next_;
  return false;
}

void EventFeed::Publish(proto::FeedEvent event) {
  event.set_at_unix_us(UnixMicros(clock_.Wall()));
  for (std::string* text : {event.mutable_detail(), event.mutable_handler(),
                            event.mutable_request_line(), event.mutable_by()})
    CutToUtf8(text, bounds::kEventTextBytes);
  kept_.push_back({std::move(event), ""});
  ++next_;
  if (kept_.size() > bounds::kEventsKept) kept_.pop_front();
  // Each may go, and take others along, when it hears of it.
  for (auto at = readers_.begin(); at != readers_.end();) (*at++)->more_();
}

const std::string& EventFeed::JsonAt(uint64_t number) {
  Kept& kept = kept_[number - oldest()];
  if (!kept.json.empty()) return kept.json;
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  if (!google::protobuf::util::MessageToJsonString(kept.event, &kept.json, options).ok())
    kept.json = "{}";
  return kept.json;
}

std::unique_ptr<EventFeed::Reader> EventFeed::Read(std::function<void()> more) {
  if (readers_.size() >= bounds::kEventReaders) return nullptr;
  std::unique_ptr<Reader> reader(new Reader(*this, std::move(more)));
  reader->place_ = readers_.insert(readers_.end(), reader.get());
  return reader;
}

EventFeed::Reader::~Reader() {
  feed_.readers_.erase(place_);
  feed_.kept_until_ = feed_.clock_.Mono() + bounds::kEventsKeptFor;
}

std::string FeedKindName(proto::FeedKind kind) {
  std::string name = proto::FeedKind_Name(kind).substr(sizeof kPrefix - 1);
  for (char& c : name) c = static_cast<char>(tolower(static_cast<unsigned char>(c)));
  return name;
}

proto::FeedKind FeedKindNamed(const std::string& name) {
  for (int kind = proto::FeedKind_MIN + 1; kind <= proto::FeedKind_MAX; ++kind)
    if (FeedKindName(static_cast<proto::FeedKind>(kind)) == name)
      return static_cast<proto::FeedKind>(kind);
  return proto::FEED_KIND_UNSPECIFIED;
}

}  // namespace nightjar
