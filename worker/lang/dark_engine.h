// The engine of classic Dark's language: worker/engine.h over parser, lowering and evaluator.
//
// What it deliberately does not do: stop programs that run too long or take too much memory; that
// is for the walls around it. It stops at call depth, at output, and, where policy says so, at the
// trace's budget. Single thread; the library outlives it.
#pragma once

#include <memory>
#include <string_view>

#include "worker/engine.h"
#include "worker/lang/code.h"
#include "worker/lang/fuel.h"
#include "worker/lang/one_function.h"

namespace nightjar::lang {

class DarkEngine final : public Engine {
 public:
  // Loads what is loaded once for all programs, and arms the guard of this thread's stack: made on
  // the thread that will run it, near the bottom of its stack.
  explicit DarkEngine(const Library* library);
  ~DarkEngine() override;

  CompileOutcome Compile(std::string_view file_name, const proto::Upload& upload,
                         const HandlerEntries& earlier) override;
  Status Load(std::string_view program) override;
  RunOutcome Run(const proto::Run& run, std::string_view body, Recorder& recorder) override;
  ImportOutcome Import(const proto::Import& order, std::string_view object) override;
  void AskToStop(proto::SelfLimit why) noexcept override { Fuel::Ask(why); }

 private:
  using MakeOutcome = RunOutcome (*)(const Dval& result, uint64_t bytes_max);
  RunOutcome Evaluate(const HandlerCode& handler, const proto::Run& run, std::string_view body,
                      Recorder& recorder);
  RunOutcome Evaluate(OneFunction& alone, const proto::Run& run, Recorder& recorder);
  RunOutcome Evaluate(const HandlerCode& handler, const proto::Run& run, RunInput* input,
                      Recorder& recorder, MakeOutcome make_outcome);

  const Library& library_;
  std::unique_ptr<Code> code_;  // null until Load()
  Arena arena_;                 // of the current run
  uint64_t steps_ = 0;          // of the current run, once it has ended
};

}  // namespace nightjar::lang
