// What became of a run, for who asked for it on the control plane. Pure.
#pragma once

#include "ipc/proto/control.pb.h"
#include "supervisor/run/run.h"

namespace nightjar {

proto::RunAnswer AnswerOf(RunResult result);

}  // namespace nightjar
