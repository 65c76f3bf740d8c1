#include "worker/lang/one_function.h"

#include <string>

#include "ipc/core/nearest_word.h"
#include "worker/lang/http_output.h"
#include "worker/lang/input_redaction.h"
#include "worker/lang/json_reader.h"
#include "worker/lang/json_writer.h"
#include "worker/lang/secret_mask.h"
#include "worker/lang/value_reader.h"

namespace nightjar::lang {
namespace {

std::string NoFunction(const Code& code, const std::string& name) {
  std::vector<std::string_view> names;
  for (const auto& [known, function] : code.functions) names.push_back(known);
  return "this program has no function `" + name + "`" + DidYouMean(NearestWord(name, names));
}

std::string Count(size_t count, const char* what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

}  // namespace

std::optional<OneFunction> OneFunction::Of(std::string_view body) {
  auto replay = Replay::Parse(body);
  if (!replay || !replay->message().has_function()) return std::nullopt;
  return OneFunction(std::move(*replay));
}

std::optional<RunOutcome> OneFunction::Begin(Arena& arena, const Code& code, const proto::Run& run,
                                             Recorder& recorder, RunInput* input) {
  std::vector<Dval> args;
  std::string wrong = ReadArguments(arena, &args);
  if (wrong.empty()) wrong = WhyNot(code, args);
  Dval all = MakeList(arena, args.data(), args.size());
  RequestRedactor redactor{RedactionRules(run.limits().redaction())};
  Dval shown = RedactedEvent(arena, all, redactor);
  SecretMask::SetRun(redactor);
  recorder.StartRun(RunId::FromBytes(run.run_id()).value_or(RunId()),
                    {.trace_bytes_max = run.limits().trace_bytes_max(), .variables = {}}, shown);
  if (!wrong.empty()) {
    recorder.FinishRun(MakeError(arena, wrong));
    RunOutcome refused;
    refused.status = 400;
    refused.request_refused = true;
    refused.body = std::move(wrong);
    return refused;
  }
  MakeHandler(arena, code.functions.at(replay_.message().function().name()), args);
  if (!run.again().live()) input->replay = std::move(replay_);
  return std::nullopt;
}

std::string OneFunction::ReadArguments(Arena& arena, std::vector<Dval>* args) const {
  const proto::OneFunction& function = replay_.message().function();
  if (function.arguments_json().empty()) {
    for (const proto::Value& arg : function.args()) {
      auto value = ReadValue(arena, arg);
      if (!value)
        return "argument " + std::to_string(args->size() + 1) +
               " of that call is not whole in its trace: it was cut, or is a password or a "
               "function";
      args->push_back(*value);
    }
    return "";
  }
  Dval list;
  std::string error;
  if (!ReadJson(arena, function.arguments_json(), JsonComments::kRefused, &list, &error))
    return "the arguments are not JSON: " + error;
  if (!list.Is(Tag::kList)) return "the arguments are a JSON list: [1, \"two\"]";
  args->assign(list.begin(), list.end());
  return "";
}

std::string OneFunction::WhyNot(const Code& code, const std::vector<Dval>& args) const {
  const std::string& name = replay_.message().function().name();
  auto found = code.functions.find(name);
  if (found == code.functions.end()) return NoFunction(code, name);
  const std::vector<ParamCode>& params = found->second.params;
  if (params.size() != args.size())
    return "function `" + name + "` takes " + Count(params.size(), "argument") + ", and there " +
           (args.size() == 1 ? "is " : "are ") + std::to_string(args.size());
  for (size_t i = 0; i < args.size(); ++i)
    if (!args[i].fake() && !Fits(params[i].type, args[i]))
      return "argument " + std::to_string(i + 1) + " of function `" + name + "`, " +
             params[i].name + ": " + Mismatch(params[i].type, args[i]);
  return "";
}

void OneFunction::MakeHandler(Arena& arena, const FunctionCode& function,
                              const std::vector<Dval>& args) {
  const Node** nodes = arena.Array<const Node*>(args.size());
  for (size_t i = 0; i < args.size(); ++i) {
    ConstantNode constant{};
    constant.op = Op::kConstant;
    constant.value = args[i];
    nodes[i] = arena.New(constant);
  }
  CallNode call{};
  call.op = Op::kCallFunction;
  call.function = &function;
  call.params = function.params.size();
  call.args = {nodes, args.size()};
  handler_.name = function.name;
  handler_.body = arena.New(call);
}

RunOutcome OneFunction::Outcome(const Dval& result, uint64_t bytes_max) {
  if (result.Is(Tag::kError) || result.Is(Tag::kIncomplete))
    return MakeResponseOutcome(result, bytes_max);
  RunOutcome outcome;
  outcome.status = 200;
  if (WriteJson(result, bytes_max, &outcome.body)) return outcome;
  outcome.limit_hit = proto::SELF_LIMIT_OUTPUT;
  outcome.measured = outcome.body.size();
  outcome.body.clear();
  return outcome;
}

}  // namespace nightjar::lang
