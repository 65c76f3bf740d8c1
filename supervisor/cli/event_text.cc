#include "supervisor/cli/event_text.h"

namespace nightjar::cli {
namespace {

constexpr size_t kLineBytes = 64 * 1024;

}  // namespace

bool EventText::Take(std::string_view bytes, const std::function<bool(const ServerEvent&)>& each) {
  begun_ = begun_ || !bytes.empty();
  for (size_t end; (end = bytes.find('\n')) != std::string_view::npos;) {
    line_.append(bytes.substr(0, end));
    bytes.remove_prefix(end + 1);
    std::string line = std::move(line_);
    line_.clear();
    if (!OnLine(line, each)) return false;
  }
  line_.append(bytes);
  return line_.size() <= kLineBytes;
}

void EventText::Restart() {
  line_.clear();
  event_.kind.clear();
  event_.data.clear();
}

bool EventText::OnLine(std::string_view line, const std::function<bool(const ServerEvent&)>& each) {
  if (line.empty()) {
    // A comment alone, a sign of life, is no event.
    bool go_on = event_.data.empty() || each(event_);
    event_.kind.clear();
    event_.data.clear();
    return go_on;
  }
  size_t colon = line.find(':');
  if (colon == 0 || colon == std::string_view::npos) return true;
  std::string_view field = line.substr(0, colon);
  std::string_view value = line.substr(colon + 1);
  if (!value.empty() && value.front() == ' ') value.remove_prefix(1);
  if (field == "id") event_.id = value;
  if (field == "event") event_.kind = value;
  if (field == "data") event_.data += (event_.data.empty() ? "" : "\n") + std::string(value);
  return true;
}

}  // namespace nightjar::cli
