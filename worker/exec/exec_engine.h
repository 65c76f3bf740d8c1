// The engine of exec handlers: a program of the host for each request, inside the walls.
//
// It compiles nothing (the canvas file's compiler is the Dark engine's), and a worker of it serves
// one run: a program leaves files and processes behind. What bounds the program is the cell and the
// walls around it; the engine itself counts only its output. Single thread.
#pragma once

#include <map>

#include "ipc/proto/program.pb.h"
#include "worker/engine.h"
#include "worker/lang/arena.h"

namespace nightjar {

class ExecEngine final : public Engine {
 public:
  CompileOutcome Compile(std::string_view file_name, const proto::Upload& upload,
                         const HandlerEntries& earlier) override;
  Status Load(std::string_view program) override;
  RunOutcome Run(const proto::Run& run, std::string_view body, Recorder& recorder) override;
  // Dark had no programs: there is nothing to import.
  ImportOutcome Import(const proto::Import& order, std::string_view object) override;
  void AskToStop(proto::SelfLimit why) noexcept override;

 private:
  RunOutcome RunAgain(const proto::HandlerDef& handler, const proto::Run& run,
                      std::string_view replay, Recorder& recorder);
  RunOutcome RunProgram(const proto::HandlerDef& handler, const proto::Run& run,
                        std::string_view body, Recorder& recorder);

  proto::Program program_;
  std::map<uint64_t, const proto::HandlerDef*> handlers_;  // the exec ones, by tlid
  std::vector<std::string> secrets_;                       // "NAME=value"
  lang::Arena arena_;                                      // of values for the trace
};

}  // namespace nightjar
