#include "tests/fault/live_log.h"

#include <fstream>
#include <sstream>

namespace nightjar::fault {

std::string FieldOf(std::string_view line, std::string_view key) {
  std::string wanted = " " + std::string(key) + "=";
  size_t at = line.find(wanted);
  if (at == line.npos) return "";
  std::string_view value = line.substr(at + wanted.size());
  bool quoted = value.starts_with('"');
  if (quoted) value.remove_prefix(1);
  return std::string(value.substr(0, value.find(quoted ? '"' : ' ')));
}

void LiveLog::Read() {
  std::ifstream in(path_, std::ios::binary);
  in.seekg(static_cast<std::streamoff>(taken_));
  std::stringstream more;
  more << in.rdbuf();
  rest_ += more.str();
  taken_ += more.str().size();
  size_t begin = 0;
  for (size_t end; (end = rest_.find('\n', begin)) != std::string::npos; begin = end + 1)
    Take(rest_.substr(begin, end - begin));
  rest_.erase(0, begin);
}

void LiveLog::Take(std::string line) {
  std::string event = FieldOf(line, "event");
  if (event == "helper_started")
    helpers_[FieldOf(line, "helper")] = std::stoi(FieldOf(line, "pid"));
  if (event.empty() || line.find("level=error") != line.npos) {
    auto& [count, example] = errors_[event.empty() ? line.substr(0, 40) : event];
    ++count;
    if (example.empty()) example = line;
  }
  if (!event.empty()) lines_[event].push_back(std::move(line));
}

pid_t LiveLog::Helper(const std::string& name) {
  std::lock_guard lock(mutex_);
  Read();
  auto at = helpers_.find(name);
  return at == helpers_.end() ? 0 : at->second;
}

std::vector<std::string> LiveLog::Lines(const std::string& event) {
  std::lock_guard lock(mutex_);
  Read();
  return lines_[event];
}

std::map<std::string, std::pair<size_t, std::string>> LiveLog::Errors() {
  std::lock_guard lock(mutex_);
  Read();
  return errors_;
}

}  // namespace nightjar::fault
