#include "supervisor/http/response_head.h"

#include <charconv>
#include <ctime>
#include <string_view>

#include "supervisor/http/ascii.h"

namespace nightjar::http {
namespace {

void AppendNumber(uint64_t number, std::string& out) {
  char digits[20];
  auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  out.append(digits, end);
}

// Those that say where this answer ends, or speak of this connection alone.
bool IsServers(std::string_view name) {
  for (std::string_view own : {"content-length", "connection", "date", "transfer-encoding",
                               "keep-alive", "upgrade", "trailer", "proxy-connection"})
    if (EqualsNoCase(name, own)) return true;
  return false;
}

}  // namespace

const std::string& DateText::At(WallTime now) {
  int64_t second = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
  if (second == second_) return text_;
  second_ = second;
  time_t unix_time = second;
  tm parts;
  gmtime_r(&unix_time, &parts);
  // Not strftime's names: those follow the locale.
  static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  char text[64];
  snprintf(text, sizeof text, "%s, %02d %s %04d %02d:%02d:%02d GMT", kDays[parts.tm_wday],
           parts.tm_mday, kMonths[parts.tm_mon], parts.tm_year + 1900, parts.tm_hour, parts.tm_min,
           parts.tm_sec);
  text_ = text;
  return text_;
}

bool AppendHead(const Response& response, const HeadFraming& framing, const std::string& date,
                std::string& out) {
  // An interim status would leave the client waiting for the real one.
  unsigned status = response.status >= 200 && response.status <= 999 ? response.status : 500;
  out.append("HTTP/1.1 ");
  AppendNumber(status, out);
  out.append(" ").append(ReasonPhrase(status)).append("\r\nDate: ").append(date).append("\r\n");
  for (const auto& [name, value] : response.headers) {
    if (!IsToken(name) || !IsHeaderValue(value) || IsServers(name)) continue;
    out.append(name).append(": ").append(value).append("\r\n");
  }
  bool bodiless = status == 204 || status == 304;
  if (framing.length == HeadFraming::Length::kChunked) {
    out.append("Transfer-Encoding: chunked\r\n");
  } else if (framing.length == HeadFraming::Length::kOfBody && !bodiless) {
    out.append("Content-Length: ");
    AppendNumber(response.body.size(), out);
    out.append("\r\n");
  }
  if (framing.connection == HeadFraming::Connection::kClose) out.append("Connection: close\r\n");
  if (framing.connection == HeadFraming::Connection::kKeepAlive)
    out.append("Connection: keep-alive\r\n");
  out.append("\r\n");
  return !bodiless && !framing.head_request;
}

}  // namespace nightjar::http
