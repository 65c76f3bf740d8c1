#include "worker/lang/dark_engine.h"

#include <google/protobuf/arena.h>

#include <vector>

#include "ipc/core/bounds.h"
#include "worker/lang/canvas_files.h"
#include "worker/lang/evaluator.h"
#include "worker/lang/handler_ids.h"
#include "worker/lang/http_output.h"
#include "worker/lang/lower.h"
#include "worker/lang/parser.h"
#include "worker/lang/program_reader.h"
#include "worker/lang/run_input.h"
#include "worker/lang/secret_mask.h"
#include "worker/lang/stack_guard.h"
#include "worker/lang/trace_import.h"
#include "worker/lang/unicode.h"

namespace nightjar::lang {
namespace {

proto::Diagnostic WholeFile(const std::string& message) {
  return DiagnosticAt(1, 1, message);
}

// Keeps how many steps a run took, however it ends.
struct StepCount {
  ~StepCount() { *steps = evaluator.steps(); }
  const Evaluator& evaluator;
  uint64_t* steps;
};

}  // namespace

DarkEngine::DarkEngine(const Library* library) : library_(*library) {
  WarmUnicode();
  StackGuard::Arm();
}

DarkEngine::~DarkEngine() = default;

CompileOutcome DarkEngine::Compile(std::string_view, const proto::Upload& upload,
                                   const HandlerEntries& earlier) {
  CompileOutcome outcome;
  const std::string& source = upload.source();
  if (source.size() > bounds::kSourceBytes) {
    outcome.diagnostics.push_back(WholeFile("a canvas file is at most " +
                                            std::to_string(bounds::kSourceBytes / bounds::kMiB) +
                                            " MiB"));
    return outcome;
  }
  if (std::string wrong = WrongFile(upload.files()); !wrong.empty()) {
    outcome.diagnostics.push_back(WholeFile(wrong));
    return outcome;
  }
  ParseResult parsed = ParseCanvas(source, upload.files());
  outcome.diagnostics = std::move(parsed.errors);
  if (!outcome.diagnostics.empty()) return outcome;
  auto lowered = Lower(parsed.program, library_);
  if (!lowered) {
    outcome.diagnostics.push_back(WholeFile(lowered.error().context));
    return outcome;
  }
  KeepHandlerIds(earlier, parsed.program, parsed.manifest);
  *parsed.program.mutable_files() = upload.files();
  std::string program = parsed.program.SerializeAsString();
  if (program.size() > bounds::kProgramBytes) {
    outcome.diagnostics.push_back(WholeFile("the program is too large once it is compiled"));
    return outcome;
  }
  outcome.diagnostics = std::move(parsed.warnings);
  for (const LowerWarning& warning : lowered->warnings) {
    proto::Diagnostic diagnostic = parsed.At(warning.expr_id, source);
    diagnostic.set_message(warning.message);
    diagnostic.set_warning(true);
    outcome.diagnostics.push_back(std::move(diagnostic));
  }
  outcome.manifest = std::move(parsed.manifest);
  outcome.program = std::move(program);
  return outcome;
}

Status DarkEngine::Load(std::string_view bytes) {
  // One arena instead of an allocation a node: a worker loads a program once, and each page it
  // touches is a copy it pays for.
  google::protobuf::Arena arena;
  auto& program = *google::protobuf::Arena::CreateMessage<proto::Program>(&arena);
  NJ_TRY(ReadProgram(bytes, &program));
  NJ_ASSIGN(Lowered lowered, Lower(program, library_));
  code_ = std::move(lowered.code);
  std::vector<std::string> secrets;
  for (const proto::Secret& secret : program.secrets()) secrets.push_back(secret.value());
  SecretMask::Set(std::move(secrets));
  return {};
}

RunOutcome DarkEngine::Run(const proto::Run& run, std::string_view body, Recorder& recorder) {
  if (code_ == nullptr) return ProgramError("there is no program");
  std::optional<OneFunction> alone;
  if (run.has_again()) alone = OneFunction::Of(body);
  auto handler = code_->handlers.find(run.tlid());
  if (!alone && handler == code_->handlers.end())
    return ProgramError("this program has no such handler");
  const uint64_t value_bytes_max = run.limits().value_bytes_max();
  arena_.SetLimit(value_bytes_max > 0 ? value_bytes_max : SIZE_MAX);
  steps_ = 0;
  RunOutcome outcome;
  try {
    outcome =
        alone ? Evaluate(*alone, run, recorder) : Evaluate(handler->second, run, body, recorder);
  } catch (const LimitReached& reached) {
    outcome.limit_hit = reached.limit;
    outcome.measured = reached.measured;
  } catch (const ArenaExhausted& exhausted) {
    outcome.limit_hit = proto::SELF_LIMIT_MEMORY;
    outcome.measured = exhausted.bytes;
  } catch (const std::bad_alloc&) {
    outcome = ProgramError("the program asked for more memory than there is");
  }
  outcome.steps = steps_;
  outcome.value_bytes = arena_.bytes();
  arena_.Reset();
  return outcome;
}

ImportOutcome DarkEngine::Import(const proto::Import& order, std::string_view object) {
  ImportOutcome outcome;
  arena_.SetLimit(bounds::kImportValueBytes);
  try {
    auto trace = ReadStoredTrace(arena_, object);
    if (!trace)
      outcome.answer.set_wrong(trace.error().context);
    else if (order.look())
      outcome.answer = LookAt(*trace);
    else
      outcome = ImportTrace(arena_, *trace, order, *code_, library_);
  } catch (const StackExhausted&) {
    outcome.answer.set_wrong("its values are nested too deeply");
  } catch (const ArenaExhausted&) {
    outcome.answer.set_wrong("its values need more memory than there is for them");
  }
  arena_.Reset();
  return outcome;
}

RunOutcome DarkEngine::Evaluate(const HandlerCode& handler, const proto::Run& run,
                                std::string_view body, Recorder& recorder) {
  RunInput input;
  if (auto unsound = BeginRun(arena_, handler, run, body, recorder, &input)) return *unsound;
  return Evaluate(handler, run, &input, recorder,
                  handler.bytes ? MakeBytesOutcome : MakeResponseOutcome);
}

RunOutcome DarkEngine::Evaluate(OneFunction& alone, const proto::Run& run, Recorder& recorder) {
  RunInput input;
  if (auto unsound = alone.Begin(arena_, *code_, run, recorder, &input)) return *unsound;
  return Evaluate(alone.handler(), run, &input, recorder, OneFunction::Outcome);
}

RunOutcome DarkEngine::Evaluate(const HandlerCode& handler, const proto::Run& run, RunInput* input,
                                Recorder& recorder, MakeOutcome make_outcome) {
  const proto::RunLimits& limits = run.limits();
  Evaluator evaluator(&arena_, &recorder,
                      {.call_depth_max = limits.call_depth_max(),
                       .steps_max = limits.steps_max(),
                       .traced = limits.trace_bytes_max() > 0,
                       .trace_overflow_kills = limits.trace_overflow_kills(),
                       .replay = input->replay ? &*input->replay : nullptr});
  StepCount count{evaluator, &steps_};
  try {
    Dval result = evaluator.Run(handler, input->values);
    RunOutcome outcome = make_outcome(result, limits.output_bytes_max());
    std::string room;
    outcome.error = std::string(SecretMask::Apply(outcome.error, &room));
    if (input->replay) {
      outcome.calls_answered = input->replay->answered();
      outcome.calls_live = input->replay->live();
    }
    if (outcome.limit_hit == proto::SELF_LIMIT_UNSPECIFIED) recorder.FinishRun(result);
    return outcome;
  } catch (const StackExhausted&) {
    // Of this program's own making: the deepest nesting that there is stack for.
    throw LimitReached{proto::SELF_LIMIT_CALL_DEPTH, evaluator.depth()};
  }
}

}  // namespace nightjar::lang
