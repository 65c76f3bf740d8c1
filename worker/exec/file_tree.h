// Puts the files of a canvas where its programs see them.
#pragma once

#include "ipc/core/result.h"
#include "ipc/proto/program.pb.h"

namespace nightjar {

// Below the folder that `root_fd` is open on, which has nothing in it yet; borrowed. The paths come
// from a compile run and the writer's disk: what leads elsewhere is kProtocol.
Status MakeFileTree(int root_fd,
                    const google::protobuf::RepeatedPtrField<proto::CanvasFile>& files);

}  // namespace nightjar
