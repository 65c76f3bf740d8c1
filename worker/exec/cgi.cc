#include "worker/exec/cgi.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "ipc/core/ascii.h"
#include "ipc/core/bounds.h"
#include "ipc/core/utf8.h"

namespace nightjar {
namespace {

std::string VariableName(std::string_view prefix, std::string_view name) {
  std::string variable(prefix);
  for (char c : name) {
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    variable += plain ? static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c) : '_';
  }
  return variable;
}

// A value ends where a program's C string would.
std::string Variable(std::string name, std::string_view value) {
  return std::move(name) + "=" + std::string(value.substr(0, value.find('\0')));
}

bool IsToken(std::string_view name) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !name.empty() && std::all_of(name.begin(), name.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           kMarks.find(c) != std::string_view::npos;
  });
}

bool IsFieldValue(std::string_view value) {
  return std::none_of(value.begin(), value.end(), [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
  });
}

// The line without its end, taken off the front of `rest`.
std::string_view TakeLine(std::string_view* rest) {
  size_t end = rest->find('\n');
  std::string_view line = rest->substr(0, end);
  *rest = end == std::string_view::npos ? std::string_view() : rest->substr(end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

struct Head {
  CgiAnswer answer;
  bool cgi = false;  // one of the fields that only CGI's answers begin with is there
  size_t bytes = 0;
};

Status TakeStatus(std::string_view value, CgiAnswer* answer) {
  auto [end, failed] = std::from_chars(value.data(), value.data() + value.size(), answer->status);
  bool whole = end == value.data() + value.size() || *end == ' ';
  if (failed != std::errc() || !whole || answer->status < 200 || answer->status > 999)
    return Fail(ErrorCode::kInvalid, "its answer's Status is not a number from 200 to 999");
  return {};
}

// The lines up to an empty one. No value: this is no header.
Result<std::optional<Head>> ReadHead(std::string_view output) {
  Head head;
  std::string_view rest = output;
  bool bad_value = false;
  Status status;
  for (;;) {
    if (rest.empty()) return std::nullopt;
    std::string_view line = TakeLine(&rest);
    if (line.empty()) break;
    size_t colon = line.find(':');
    if (colon == std::string_view::npos || !IsToken(line.substr(0, colon))) return std::nullopt;
    std::string_view name = line.substr(0, colon);
    std::string_view value = TrimAscii(line.substr(colon + 1), " \t");
    bad_value = bad_value || !IsFieldValue(value);
    bool is_status = EqualsNoCase(name, "status");
    head.cgi = head.cgi || is_status || EqualsNoCase(name, "content-type") ||
               EqualsNoCase(name, "location");
    if (is_status) {
      status = TakeStatus(value, &head.answer);
      continue;
    }
    if (EqualsNoCase(name, "location") && head.answer.status == 200) head.answer.status = 302;
    proto::Header& header = head.answer.headers.emplace_back();
    header.set_name(std::string(name));
    header.set_value(std::string(value));
  }
  if (!head.cgi) return std::nullopt;
  NJ_TRY(std::move(status));
  if (bad_value) return Fail(ErrorCode::kInvalid, "its answer's header has control characters");
  if (head.answer.headers.size() > bounds::kHttpHeaderCount)
    return Fail(ErrorCode::kInvalid, "its answer has more than " +
                                         std::to_string(bounds::kHttpHeaderCount) + " headers");
  head.bytes = output.size() - rest.size();
  return head;
}

}  // namespace

std::vector<std::string> EnvironmentOf(const proto::HttpRequest& request, size_t body_bytes) {
  std::vector<std::string> environment{
      "PATH=/usr/local/bin:/usr/bin:/bin",
      "HOME=/tmp",
      "TMPDIR=/tmp",
      "LANG=C.UTF-8",
      "GATEWAY_INTERFACE=CGI/1.1",
      "SERVER_PROTOCOL=HTTP/1.1",
      "SERVER_SOFTWARE=nightjar",
      "SCRIPT_NAME=",
      Variable("REQUEST_METHOD", request.method()),
      Variable("REQUEST_URI", request.url()),
      Variable("PATH_INFO", request.path()),
      Variable("QUERY_STRING", request.query()),
  };
  if (body_bytes > 0) environment.push_back("CONTENT_LENGTH=" + std::to_string(body_bytes));
  for (const proto::RawHeader& header : request.headers()) {
    if (EqualsNoCase(header.name(), "content-type"))
      environment.push_back(Variable("CONTENT_TYPE", header.value()));
    else if (!EqualsNoCase(header.name(), "content-length") &&
             !EqualsNoCase(header.name(), "proxy"))
      environment.push_back(Variable(VariableName("HTTP_", header.name()), header.value()));
  }
  for (const proto::Header& variable : request.route_vars())
    environment.push_back(Variable(VariableName("ROUTE_", variable.name()), variable.value()));
  return environment;
}

Result<CgiAnswer> ReadCgiAnswer(std::string output) {
  NJ_ASSIGN(auto head, ReadHead(output));
  if (head) {
    head->answer.body = output.substr(head->bytes);
    return std::move(head->answer);
  }
  CgiAnswer answer;
  bool text = Utf8PrefixSize(output, output.size()) == output.size();
  proto::Header& type = answer.headers.emplace_back();
  type.set_name("Content-Type");
  type.set_value(text ? "text/plain; charset=utf-8" : "application/octet-stream");
  answer.body = std::move(output);
  return answer;
}

}  // namespace nightjar
