// One line a change of state: `event=worker_killed run=.. canvas=.. cause=wall_time elapsed_ms=..`.
//
// Events come from the fixed list in docs/log-events.md. Never a payload, never a line a trace
// event. The queue is bounded: when the reader of standard error is slow, lines are dropped and
// counted, and the loop does not wait. Any thread.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>

namespace nightjar {

enum class LogLevel { kInfo, kWarning, kError };

// A key and its value, already text. Values with spaces, quotes or control bytes are quoted and
// escaped on the line.
class LogField {
 public:
  LogField(std::string_view key, std::string_view value) : key_(key), value_(value) {}
  LogField(std::string_view key, const char* value) : key_(key), value_(value) {}
  LogField(std::string_view key, const std::string& value) : key_(key), value_(value) {}
  template <typename T>
  requires std::is_arithmetic_v<T> LogField(std::string_view key, T value)
      : key_(key), value_(std::to_string(value)) {}

  std::string_view key() const { return key_; }
  std::string_view value() const { return value_; }

 private:
  std::string_view key_;
  std::string value_;
};

// kAsync starts the queue's thread: never before a fork without exec. The default, without a call,
// is kSync.
enum class LogMode { kSync, kAsync };
void StartLog(std::string_view program, LogMode mode);
// Writes out what is queued; the last call of a program's main.
void FlushLog();

void Log(LogLevel level, std::string_view event, std::initializer_list<LogField> fields = {});
inline void LogInfo(std::string_view event, std::initializer_list<LogField> fields = {}) {
  Log(LogLevel::kInfo, event, fields);
}
inline void LogWarning(std::string_view event, std::initializer_list<LogField> fields = {}) {
  Log(LogLevel::kWarning, event, fields);
}
inline void LogError(std::string_view event, std::initializer_list<LogField> fields = {}) {
  Log(LogLevel::kError, event, fields);
}

}  // namespace nightjar
