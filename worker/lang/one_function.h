// A function of the canvas run alone, with the arguments that one of its calls had or with others:
// as a handler that does nothing but call it.
//
// So it is checked, counted and traced like any call. Single thread.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "worker/lang/code.h"
#include "worker/lang/run_input.h"

namespace nightjar::lang {

class OneFunction {
 public:
  // Set: the replay in `body` is of a function, and not of a handler's run. `body` as of
  // Engine::Run().
  static std::optional<OneFunction> Of(std::string_view body);

  // As BeginRun(): set, where there is no such function or these are no arguments for it. What it
  // makes lives in the arena, but for the handler.
  std::optional<RunOutcome> Begin(Arena& arena, const Code& code, const proto::Run& run,
                                  Recorder& recorder, RunInput* input);

  // That calls it. After Begin().
  const HandlerCode& handler() const { return handler_; }
  // A result as JSON, whatever it would be as an answer to a request.
  static RunOutcome Outcome(const Dval& result, uint64_t bytes_max);

 private:
  explicit OneFunction(Replay replay) : replay_(std::move(replay)) {}
  // "": they are `args` now.
  std::string ReadArguments(Arena& arena, std::vector<Dval>* args) const;
  std::string WhyNot(const Code& code, const std::vector<Dval>& args) const;
  void MakeHandler(Arena& arena, const FunctionCode& function, const std::vector<Dval>& args);

  Replay replay_;
  HandlerCode handler_;
};

}  // namespace nightjar::lang
