#include "ipc/core/log.h"

#include <spdlog/async.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "ipc/core/bounds.h"
#include "ipc/core/quiet_thread.h"

namespace nightjar {
namespace {

constexpr const char* kPattern = "%Y-%m-%dT%H:%M:%S.%fZ level=%l program=%n %v";

std::shared_ptr<spdlog::logger>& Logger() {
  static std::shared_ptr<spdlog::logger> logger = [] {
    auto made = std::make_shared<spdlog::logger>("nightjar",
                                                 std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern(kPattern, spdlog::pattern_time_type::utc);
    return made;
  }();
  return logger;
}

bool NeedsQuotes(std::string_view value) {
  if (value.empty()) return true;
  for (unsigned char c : value)
    if (c <= ' ' || c == '"' || c == '\\' || c == '=' || c >= 0x7f) return true;
  return false;
}

void AppendValue(std::string& line, std::string_view value) {
  if (!NeedsQuotes(value)) {
    line += value;
    return;
  }
  line += '"';
  auto escape = [&](unsigned char c) {
    static constexpr char kHex[] = "0123456789abcdef";
    line += "\\x";
    line += kHex[c >> 4];
    line += kHex[c & 0xf];
  };
  bool second_byte = false;  // of a control character beyond ASCII, which a terminal obeys too
  for (size_t at = 0; at < value.size(); ++at) {
    auto c = static_cast<unsigned char>(value[at]);
    bool first_byte =
        c == 0xc2 && at + 1 < value.size() && static_cast<unsigned char>(value[at + 1]) < 0xa0;
    if (c == '"' || c == '\\') {
      line += '\\';
      line += static_cast<char>(c);
    } else if (c < ' ' || c == 0x7f || first_byte || second_byte) {
      escape(c);
    } else {
      line += static_cast<char>(c);
    }
    second_byte = first_byte;
  }
  line += '"';
}

}  // namespace

void StartLog(std::string_view program, LogMode mode) {
  auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  std::string name(program);
  if (mode == LogMode::kAsync) {
    AllSignalsBlocked blocked;  // in the thread that is started here
    spdlog::init_thread_pool(bounds::kLogQueueLines, 1);
    Logger() = std::make_shared<spdlog::async_logger>(
        name, sink, spdlog::thread_pool(), spdlog::async_overflow_policy::overrun_oldest);
  } else {
    Logger() = std::make_shared<spdlog::logger>(name, sink);
  }
  Logger()->set_pattern(kPattern, spdlog::pattern_time_type::utc);
  Logger()->flush_on(spdlog::level::warn);
}

void FlushLog() {
  Logger()->flush();
  // Joins the queue's thread, which first writes what it holds.
  Logger() = nullptr;
  spdlog::shutdown();
}

void Log(LogLevel level, std::string_view event, std::initializer_list<LogField> fields) {
  if (Logger() == nullptr) return;
  std::string line = "event=";
  line += event;
  for (const LogField& field : fields) {
    line += ' ';
    line += field.key();
    line += '=';
    AppendValue(line, field.value());
  }
  switch (level) {
    case LogLevel::kInfo:
      Logger()->info(line);
      break;
    case LogLevel::kWarning:
      Logger()->warn(line);
      break;
    case LogLevel::kError:
      Logger()->error(line);
      break;
  }
}

}  // namespace nightjar
