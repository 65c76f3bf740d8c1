#include "worker/exec/exec_engine.h"

#include <signal.h>
#include <unistd.h>

#include <deque>

#include "worker/exec/cgi.h"
#include "worker/exec/file_tree.h"
#include "worker/exec/output_log.h"
#include "worker/exec/program.h"
#include "worker/exec/request_again.h"
#include "worker/lang/http_input.h"
#include "worker/lang/input_redaction.h"
#include "worker/lang/program_reader.h"
#include "worker/lang/secret_mask.h"
#include "worker/lang/unicode.h"
#include "worker/lang/value.h"
#include "worker/sandbox/enter.h"

namespace nightjar {
namespace {

using lang::Dval;

// Why the run that is going on was asked to stop; a signal handler writes it.
volatile sig_atomic_t asked_to_stop = 0;

// The author's mistake: the caller learns that there was one, the trace what it was.
RunOutcome ProgramError(const std::string& error) {
  RunOutcome outcome;
  outcome.status = 500;
  outcome.program_error = true;
  outcome.error = error;
  outcome.headers.emplace_back().set_name("Content-Type");
  outcome.headers.back().set_value("text/plain; charset=utf-8");
  outcome.body = "Application error: the program of this handler failed.\n";
  return outcome;
}

RunOutcome Limited(proto::SelfLimit limit, uint64_t measured) {
  RunOutcome outcome;
  outcome.limit_hit = limit;
  outcome.measured = measured;
  return outcome;
}

RunOutcome Answered(std::string output) {
  auto answer = ReadCgiAnswer(std::move(output));
  if (!answer) return ProgramError(answer.error().context);
  RunOutcome outcome;
  outcome.status = answer->status;
  outcome.headers = std::move(answer->headers);
  outcome.body = std::move(answer->body);
  return outcome;
}

RunOutcome OutcomeOf(const Result<ProgramEnd>& end, std::string output) {
  if (!end) return ProgramError(end.error().ToString());
  if (end->signal != 0) {
    RunOutcome outcome;
    outcome.died_of_signal = end->signal;
    return outcome;
  }
  if (end->status != 0)
    return ProgramError("the program exited with status " + std::to_string(end->status));
  return Answered(std::move(output));
}

}  // namespace

CompileOutcome ExecEngine::Compile(std::string_view, const proto::Upload&, const HandlerEntries&) {
  CompileOutcome outcome;
  outcome.diagnostics.emplace_back().set_message("programs are not compiled");
  return outcome;
}

Status ExecEngine::Load(std::string_view bytes) {
  NJ_TRY(lang::ReadProgram(bytes, &program_));
  for (const proto::HandlerDef& handler : program_.handlers())
    if (!handler.command().empty()) handlers_[handler.tlid()] = &handler;
  std::vector<std::string> secrets;
  for (const proto::Secret& secret : program_.secrets()) {
    secrets.push_back(secret.value());
    secrets_.push_back(secret.name() + "=" + secret.value());
  }
  lang::SecretMask::Set(std::move(secrets));
  NJ_TRY(MakeFileTree(kFilesFd, program_.files()));
  program_.clear_files();  // they are memory of this worker twice otherwise
  return {};
}

RunOutcome ExecEngine::Run(const proto::Run& run, std::string_view body, Recorder& recorder) {
  auto handler = handlers_.find(run.tlid());
  if (handler == handlers_.end() || !run.has_http())
    return ProgramError("this program has no such handler");
  asked_to_stop = 0;
  RunOutcome outcome = run.has_again() ? RunAgain(*handler->second, run, body, recorder)
                                       : RunProgram(*handler->second, run, body, recorder);
  if (asked_to_stop != 0 && outcome.limit_hit == proto::SELF_LIMIT_UNSPECIFIED)
    return Limited(static_cast<proto::SelfLimit>(asked_to_stop), 0);
  return outcome;
}

RunOutcome ExecEngine::RunAgain(const proto::HandlerDef& handler, const proto::Run& run,
                                std::string_view replay, Recorder& recorder) {
  proto::Run filled = run;
  std::string body;
  if (Status whole = FillAgain(replay, &filled, &body); !whole)
    return ProgramError(whole.error().context);
  // What a trace shows was relieved already of what it may not.
  filled.mutable_limits()->clear_redaction();
  return RunProgram(handler, filled, body, recorder);
}

RunOutcome ExecEngine::RunProgram(const proto::HandlerDef& handler, const proto::Run& run,
                                  std::string_view body, Recorder& recorder) {
  Dval input;
  lang::MakeBytesRequest(arena_, run.http(), body, &input);
  RequestRedactor redactor{RedactionRules(run.limits().redaction())};
  std::deque<std::string> room;
  auto variables = lang::ShownVariables(arena_, run.http(), redactor, &room);
  Dval shown = lang::RedactedRequest(arena_, run.http(), body, input, redactor);
  lang::SecretMask::SetRun(redactor);
  recorder.StartRun(RunId::FromBytes(run.run_id()).value_or(RunId()),
                    {.trace_bytes_max = run.limits().trace_bytes_max(), .variables = variables},
                    shown);
  ProgramStart start;
  start.command.assign(handler.command().begin(), handler.command().end());
  if (!start.command[0].starts_with('/'))
    start.command[0] = kCanvasFolder + ("/" + start.command[0]);
  start.environment = EnvironmentOf(run.http(), body.size());
  start.environment.insert(start.environment.end(), secrets_.begin(), secrets_.end());
  start.input = body;
  std::vector<Dval> arguments;
  for (size_t i = 1; i < start.command.size(); ++i)
    arguments.push_back(lang::NormalString(arena_, start.command[i]));
  uint64_t call = recorder.OpenCall(Recorder::Kind::kProgram, start.command[0], 0,
                                    std::span<const Dval>(arguments));
  OutputLog output_log(recorder, Recorder::Stream::kStandardOutput);
  OutputLog error_log(recorder, Recorder::Stream::kStandardError);
  std::string output;
  const uint64_t output_max = run.limits().output_bytes_max();
  auto end = Program::Run(start, [&](int descriptor, std::string_view bytes) {
    if (descriptor != STDOUT_FILENO) {
      error_log.Add(bytes);
      return true;
    }
    output_log.Add(bytes);
    output += bytes;
    return output.size() <= output_max;
  });
  output_log.Finish();
  error_log.Finish();
  if (output.size() > output_max) return Limited(proto::SELF_LIMIT_OUTPUT, output.size());
  if (end) recorder.CloseCall(call, Dval::Int(end->signal != 0 ? -end->signal : end->status));
  RunOutcome outcome = OutcomeOf(end, std::move(output));
  if (outcome.died_of_signal == 0) {
    lang::ResponseData response{outcome.status, nullptr, {}, {}};
    response.body = lang::MakeTextual(arena_, lang::Tag::kBytes, outcome.body);
    for (const proto::Header& header : outcome.headers)
      response.headers =
          lang::ObjectSet(arena_, response.headers, lang::MakeText(arena_, header.name()),
                          lang::NormalString(arena_, header.value()));
    recorder.FinishRun(lang::MakeResponse(arena_, response));
  }
  return outcome;
}

ImportOutcome ExecEngine::Import(const proto::Import&, std::string_view) {
  ImportOutcome outcome;
  outcome.answer.set_wrong("programs have no traces in classic Dark");
  return outcome;
}

void ExecEngine::AskToStop(proto::SelfLimit why) noexcept {
  asked_to_stop = why;
  Program::Terminate();
}

std::unique_ptr<Engine> CreateExecEngine() {
  return std::make_unique<ExecEngine>();
}

}  // namespace nightjar
