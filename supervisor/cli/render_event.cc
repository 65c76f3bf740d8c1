#include "supervisor/cli/render_event.h"

#include "supervisor/cli/printable.h"
#include "supervisor/cli/quantity.h"

namespace nightjar::cli {
namespace {

std::string Padded(std::string text, size_t columns) {
  size_t has = ColumnsOf(text);
  if (has < columns) text.append(columns - has, ' ');
  return text;
}

// What was asked, or which handler ran where nothing was asked.
std::string Request(const proto::FeedEvent& event) {
  return Printable(event.request_line().empty() ? event.handler() : event.request_line());
}

std::string Run(const proto::FeedEvent& event) {
  return "  " + Printable(event.run_id());
}

std::string What(const proto::FeedEvent& event) {
  std::string verdict = VerdictText(event.verdict());
  switch (event.kind()) {
    case proto::FEED_KIND_TRACE:
      return Request(event) + "  " + std::to_string(event.http_status()) + " " + verdict + " in " +
             TimeText(event.wall_us()) + Run(event);
    case proto::FEED_KIND_KILL:
      return Request(event) + "  " + verdict + ": " + Printable(event.detail()) + Run(event);
    case proto::FEED_KIND_REFUSAL:
      return Request(event) + "  " + Printable(event.detail()) + Run(event);
    case proto::FEED_KIND_NOT_FOUND:
      return Request(event);
    case proto::FEED_KIND_RULE:
      return Printable(event.detail());
    case proto::FEED_KIND_DEPLOY:
      return "revision " + std::to_string(event.revision()) + " by " + Printable(event.by());
    default:
      return Request(event);
  }
}

}  // namespace

std::string RenderEvent(const proto::FeedEvent& event, const Paint& paint) {
  if (event.kind() == proto::FEED_KIND_GAP)
    return paint.Warn("some events are missing here: the supervisor does not keep them any more") +
           "\n";
  std::string name;
  switch (event.kind()) {
    case proto::FEED_KIND_TRACE:
      name = Padded("trace", 9);
      break;
    case proto::FEED_KIND_KILL:
      name = paint.Bad(Padded("kill", 9));
      break;
    case proto::FEED_KIND_REFUSAL:
      name = paint.Warn(Padded("refusal", 9));
      break;
    case proto::FEED_KIND_NOT_FOUND:
      name = Padded("404", 9);
      break;
    case proto::FEED_KIND_RULE:
      name = paint.Bad(Padded("rule", 9));
      break;
    case proto::FEED_KIND_DEPLOY:
      name = paint.Good(Padded("deploy", 9));
      break;
    default:
      name = Padded("?", 9);
  }
  return paint.Dim(ClockText(event.at_unix_us())) + "  " + name + "  " +
         paint.Name(Padded(Printable(event.canvas()), 16)) + "  " + What(event) + "\n";
}

}  // namespace nightjar::cli
