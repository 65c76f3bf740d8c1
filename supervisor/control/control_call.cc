#include "supervisor/control/control_call.h"

#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <charconv>

#include "ipc/core/ascii.h"
#include "ipc/core/bounds.h"
#include "supervisor/control/moment.h"

namespace nightjar {
namespace {

unsigned StatusOf(ErrorCode code) {
  switch (code) {
    case ErrorCode::kNotFound:
      return 404;
    case ErrorCode::kExpired:
    case ErrorCode::kDeleted:
    case ErrorCode::kNotKept:
      return 410;
    case ErrorCode::kExists:
      return 409;
    case ErrorCode::kInvalid:
      return 422;
    case ErrorCode::kExhausted:
    case ErrorCode::kUnavailable:
      return 503;
    case ErrorCode::kTimedOut:
      return 504;
    default:
      return 500;
  }
}

}  // namespace

void ControlCall::Answer(const google::protobuf::Message& message, unsigned status) const {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  options.always_print_primitive_fields = true;
  std::string json;
  if (google::protobuf::util::MessageToJsonString(message, &json, options).ok())
    return Answer(std::move(json), status);
  Answer(std::string("{\"error\":\"the answer cannot be written as JSON\"}"), 500);
}

void ControlCall::Answer(std::string json, unsigned status) const {
  Answer("application/json", std::move(json) + '\n', status);
}

void ControlCall::Answer(const char* type, std::string body, unsigned status) const {
  http::Response response;
  response.status = status;
  response.headers.emplace_back("Content-Type", type);
  response.body = std::move(body);
  if (!audit) return responder->Send(std::move(response));
  audit->set_status(status);
  if (audit->outcome().empty()) audit->set_outcome("done");
  trail->Note(std::move(*audit), [answer = responder, response](bool written) mutable {
    if (!written) response.headers.emplace_back("X-Nightjar-Audit", "not written yet");
    answer->Send(std::move(response));
  });
}

void ControlCall::Fail(unsigned status, const std::string& error, std::string_view code) const {
  if (audit) audit->set_outcome(error);
  proto::ControlError answer;
  answer.set_error(error);
  answer.set_code(std::string(code));
  Answer(answer, status);
}

void ControlCall::Fail(const Error& error) const {
  Fail(StatusOf(error.code), error.ToString(), ErrorCodeName(error.code));
}

void ControlCall::Fail(DeployFailure failure) const {
  if (failure.diagnostics.empty()) return Fail(failure.error);
  if (audit) audit->set_outcome(failure.error.ToString());
  proto::ControlError answer;
  answer.set_error(failure.error.ToString());
  for (proto::Diagnostic& diagnostic : failure.diagnostics)
    *answer.add_diagnostics() = std::move(diagnostic);
  Answer(answer, 422);
}

std::string ControlCall::Query(const std::string& key) const {
  auto at = url.query.find(key);
  return at == url.query.end() ? "" : at->second;
}

std::string ControlCall::Header(std::string_view name) const {
  for (const auto& [known, value] : request.headers)
    if (EqualsNoCase(known, name)) return value;
  return "";
}

tl::expected<std::optional<WallTime>, std::string> ControlCall::Moment(const char* name,
                                                                       WallTime now) const {
  const std::string text = Query(name);
  if (text.empty()) return std::nullopt;
  auto moment = ParseMoment(text, now);
  if (!moment) return tl::unexpected(NotAMoment(name, text));
  return moment;
}

tl::expected<ControlCall::Span, std::string> ControlCall::SpanUntil(WallTime now) const {
  auto since = Moment("since", now), until = Moment("until", now);
  if (!since) return tl::unexpected(since.error());
  if (!until) return tl::unexpected(until.error());
  return Span{since->value_or(now - std::chrono::days(1)), until->value_or(now)};
}

uint32_t ControlCall::Rows(uint32_t normal) const {
  std::string text = Query("n");
  if (text.empty()) return normal;
  uint32_t rows = 0;
  auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), rows);
  if (failed != std::errc() || end != text.data() + text.size()) return 0;
  return std::min<uint32_t>(rows, bounds::kListRows);
}

}  // namespace nightjar
