#include "worker/lang/run_input.h"

#include <deque>
#include <string>

#include "worker/lang/http_input.h"
#include "worker/lang/http_output.h"
#include "worker/lang/input_redaction.h"
#include "worker/lang/json_reader.h"
#include "worker/lang/secret_mask.h"
#include "worker/lang/unicode.h"
#include "worker/lang/value_reader.h"

namespace nightjar::lang {
namespace {

constexpr const char* kInputNotWhole = "the trace does not have the whole input of that run";

// The caller's mistake.
RunOutcome RequestRefused(std::string why) {
  RunOutcome outcome;
  outcome.status = 400;
  outcome.request_refused = true;
  outcome.headers.emplace_back().set_name("Content-Type");
  outcome.headers.back().set_value("text/plain; charset=utf-8");
  outcome.body = std::move(why);
  return outcome;
}

void StartRecording(const proto::Run& run, std::span<const Recorder::Variable> variables,
                    const Dval& input, Recorder& recorder) {
  recorder.StartRun(RunId::FromBytes(run.run_id()).value_or(RunId()),
                    {.trace_bytes_max = run.limits().trace_bytes_max(), .variables = variables},
                    input);
}

// What a trace shows was relieved already of what it may not.
std::optional<RunOutcome> BeginAgain(Arena& arena, const HandlerCode& handler,
                                     const proto::Run& run, std::string_view bytes,
                                     Recorder& recorder, RunInput* input) {
  SecretMask::SetRun(RequestRedactor{RedactionRules(run.limits().redaction())});
  auto replay = Replay::Parse(bytes);
  if (!replay) return ProgramError(replay.error().context);
  std::vector<Recorder::Variable> variables;
  for (const proto::Header& variable : replay->message().variables())
    variables.push_back({variable.name(), variable.value()});
  auto value = ReadValue(arena, replay->message().input());
  StartRecording(run, variables, value ? *value : Dval(), recorder);
  if (!value) {
    recorder.FinishRun(MakeError(arena, kInputNotWhole));
    return ProgramError(kInputNotWhole);
  }
  input->values.push_back(*value);
  for (const std::string& variable : handler.variables)
    input->values.push_back(replay->Variable(arena, variable));
  if (!run.again().live()) input->replay = std::move(*replay);
  return std::nullopt;
}

}  // namespace

std::optional<RunOutcome> BeginRun(Arena& arena, const HandlerCode& handler, const proto::Run& run,
                                   std::string_view body, Recorder& recorder, RunInput* input) {
  if (run.has_again()) return BeginAgain(arena, handler, run, body, recorder, input);
  const proto::HttpRequest& http = run.http();
  Dval value;
  std::string refusal;
  bool sound = run.has_http()
                   ? (handler.bytes ? MakeBytesRequest(arena, http, body, &value)
                                    : MakeRequest(arena, http, body, &value, &refusal))
                   : run.json().empty() ||
                         ReadJson(arena, run.json(), JsonComments::kRefused, &value, &refusal);
  RequestRedactor redactor{RedactionRules(run.limits().redaction())};
  std::deque<std::string> room;
  auto variables = ShownVariables(arena, http, redactor, &room);
  Dval shown = run.has_http() ? RedactedRequest(arena, http, body, value, redactor)
                              : RedactedEvent(arena, value, redactor);
  SecretMask::SetRun(redactor);
  StartRecording(run, variables, shown, recorder);
  if (!sound) {
    recorder.FinishRun(MakeError(arena, RedactedRefusal(http, body, refusal, redactor)));
    if (!run.has_http()) return ProgramError("the event is not JSON: " + refusal);
    return RequestRefused(std::move(refusal));
  }
  input->values.push_back(value);
  for (const std::string& variable : handler.variables) {
    Dval bound;  // a variable of the route that the router did not fill is null
    for (const proto::Header& filled : http.route_vars())
      if (filled.name() == variable) bound = NormalString(arena, filled.value());
    input->values.push_back(bound);
  }
  return std::nullopt;
}

}  // namespace nightjar::lang
