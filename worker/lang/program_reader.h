// Reads a compiled program back from the bytes that a compile run made of it.
#pragma once

#include <string_view>

#include "ipc/core/result.h"
#include "ipc/proto/program.pb.h"

namespace nightjar::lang {

// `bytes` came through the writer's disk: what is no program is kProtocol, one of another format
// kUnsupported. Trees may be as deep as any canvas file can make them.
Status ReadProgram(std::string_view bytes, proto::Program* program);

}  // namespace nightjar::lang
