#include "ipc/core/ascii.h"
#include "supervisor/control/control_service.h"
#include "supervisor/control/request_values.h"

namespace nightjar {
namespace {

// "17:9f86..." into the link's number and its hash.
bool ReadChainHead(const std::string& text, proto::VerifyIncidents* question) {
  size_t colon = text.find(':');
  if (colon == std::string::npos || colon + 1 == text.size()) return false;
  auto link = PositiveNumber(std::string_view(text).substr(0, colon));
  if (!link) return false;
  question->set_head(*link);
  question->set_head_hash(text.substr(colon + 1));
  return true;
}

bool IsSha256Text(const std::string& text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

// Where a walk along a chain stands, out of the query. False: the answer was no.
bool ReadWalk(const ControlCall& call, proto::VerifyIncidents* walk) {
  if (std::string after = call.Query("after"); !after.empty()) {
    auto link = PositiveNumber(after);
    if (!link || call.Query("hash").empty()) {
      call.Fail(400, "after is the number of a link, and hash is its hash");
      return false;
    }
    walk->set_after(*link);
    walk->set_hash(call.Query("hash"));
  }
  std::string head = call.Query("head");
  if (head.empty() || ReadChainHead(head, walk)) return true;
  call.Fail(400, "head is LINK:HASH, as the log told it");
  return false;
}

}  // namespace

void ControlService::ListIncidents(Call call) {
  uint32_t rows = call.Rows(20);
  if (rows == 0) return call.Fail(400, "n is a number of rows, 1 or more");
  proto::ToWriter question;
  proto::ListIncidents& wanted = *question.mutable_list_incidents();
  wanted.set_rows_max(rows);
  wanted.set_canvas(call.Query("canvas"));
  wanted.set_code_sha256(ToLowerAscii(call.Query("code_hash")));
  wanted.set_caller(call.Query("caller"));
  const bool code = !wanted.code_sha256().empty();
  if (!wanted.canvas().empty() + code + !wanted.caller().empty() > 1)
    return call.Fail(400, "incidents are found by one of canvas, code_hash and caller");
  if (code && !IsSha256Text(wanted.code_sha256()))
    return call.Fail(400, "code_hash is the SHA-256 of a canvas file, 64 digits of 0-9 and a-f");
  const std::string cause = call.Query("cause");
  auto verdict = VerdictNamed(cause);
  if (!verdict) return call.Fail(400, "there is no verdict named " + cause);
  wanted.set_verdict(*verdict);
  auto since = call.Moment("since", needs_.clock.Wall());
  if (!since) return call.Fail(400, since.error());
  if (*since) wanted.set_since_unix_us(UnixMicros(**since));
  needs_.journal.Ask(std::move(question), [call](Result<proto::FromWriter> answer) {
    if (!answer) return call.Fail(answer.error());
    call.Answer(answer->incidents());
  });
}

void ControlService::GetIncident(Call call, const std::string& text) {
  auto id = RunId::Parse(text);
  if (!id) return call.Fail(400, "this is not an incident id: " + text);
  proto::ToWriter question;
  question.mutable_get_incident()->set_run_id(std::string(id->bytes()));
  needs_.journal.Ask(std::move(question), [call](Result<proto::FromWriter> answer) {
    if (!answer) return call.Fail(answer.error());
    call.Answer(answer->incident());
  });
}

void ControlService::VerifyIncidents(Call call) {
  proto::ToWriter question;
  if (!ReadWalk(call, question.mutable_verify_incidents())) return;
  needs_.journal.Ask(std::move(question), [call](Result<proto::FromWriter> answer) {
    if (!answer) return call.Fail(answer.error());
    call.Answer(answer->chain());
  });
}

void ControlService::VerifyAudit(Call call) {
  proto::ToWriter question;
  if (!ReadWalk(call, question.mutable_verify_audit())) return;
  needs_.journal.Ask(std::move(question), [call](Result<proto::FromWriter> answer) {
    if (!answer) return call.Fail(answer.error());
    call.Answer(answer->chain());
  });
}

void ControlService::ListAudit(Call call) {
  proto::ToWriter question;
  proto::ListAudit& wanted = *question.mutable_list_audit();
  uint32_t rows = call.Rows(20);
  if (rows == 0) return call.Fail(400, "n is a number of rows, 1 or more");
  wanted.set_rows_max(rows);
  wanted.set_actor(call.Query("actor"));
  wanted.set_action(call.Query("action"));
  wanted.set_canvas(call.Query("canvas"));
  auto since = call.Moment("since", needs_.clock.Wall());
  if (!since) return call.Fail(400, since.error());
  if (*since) wanted.set_since_unix_us(UnixMicros(**since));
  needs_.journal.Ask(std::move(question), [call](Result<proto::FromWriter> answer) {
    if (!answer) return call.Fail(answer.error());
    call.Answer(answer->audit());
  });
}

}  // namespace nightjar
