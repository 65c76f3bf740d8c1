// Server-sent events as they come over a connection, in pieces of any size, taken apart again.
// Pure.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace nightjar::cli {

struct ServerEvent {
  std::string id;  // of this or the last event that had one
  std::string kind;
  std::string data;
};

class EventText {
 public:
  // Calls `each` for every event that is whole now, until it returns false; then the rest is
  // thrown away. False: that happened, or a line is longer than any that a supervisor writes.
  bool Take(std::string_view bytes, const std::function<bool(const ServerEvent&)>& each);
  // A connection ended, and another begins: what was not whole is forgotten.
  void Restart();
  const std::string& last_id() const { return event_.id; }
  // Some byte has come, ever: there was a supervisor.
  bool begun() const { return begun_; }

 private:
  bool OnLine(std::string_view line, const std::function<bool(const ServerEvent&)>& each);

  std::string line_;
  ServerEvent event_;
  bool begun_ = false;
};

}  // namespace nightjar::cli
