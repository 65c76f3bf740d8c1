// The log of a server whose supervisors come and go, read as it grows: who the newest helpers are,
// and what was said how often. Any thread.
#pragma once

#include <sys/types.h>

#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace nightjar::fault {

// The value of `key=` in a line of the log; empty: it has none.
std::string FieldOf(std::string_view line, std::string_view key);

class LiveLog {
 public:
  explicit LiveLog(std::string path) : path_(std::move(path)) {}

  // The newest incarnation of a helper ("writer"); 0: there was none.
  pid_t Helper(const std::string& name);
  // Every line of that event so far.
  std::vector<std::string> Lines(const std::string& event);
  // An example of each kind of line that is an error, and how often there was one like it; with
  // those that are no lines of the log at all, such as what a program says that aborts.
  std::map<std::string, std::pair<size_t, std::string>> Errors();

 private:
  void Read();
  void Take(std::string line);

  const std::string path_;
  std::mutex mutex_;
  size_t taken_ = 0;
  std::string rest_;  // a line that is not whole yet
  std::map<std::string, pid_t> helpers_;
  std::map<std::string, std::vector<std::string>> lines_;
  std::map<std::string, std::pair<size_t, std::string>> errors_;
};

}  // namespace nightjar::fault
