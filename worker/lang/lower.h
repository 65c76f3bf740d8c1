// Resolves a program's names once, when it is loaded, so that nothing is looked up while it runs.
//
// Pipes become nested calls, partials the expression that they are about to replace, names of
// variables become slots of a frame or captures of a lambda. What cannot be resolved stays in the
// code as what it does at run time (an unknown function is incomplete, an unknown variable an
// error), and is a warning. Pure.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ipc/core/result.h"
#include "ipc/proto/program.pb.h"
#include "worker/lang/code.h"

namespace nightjar::lang {

struct LowerWarning {
  uint64_t expr_id;
  std::string message;
};
struct Lowered {
  std::unique_ptr<Code> code;
  std::vector<LowerWarning> warnings;
};

// `program` may come from anywhere: what no parser makes is kProtocol.
Result<Lowered> Lower(const proto::Program& program, const Library& library);

}  // namespace nightjar::lang
