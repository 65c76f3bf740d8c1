// The files that are deployed beside a canvas file. Pure.
#pragma once

#include <string>

#include "ipc/proto/program.pb.h"

namespace nightjar::lang {

// What is wrong with the first file that is wrong; "": nothing is. A path is relative, of names
// that are none of "", "." and "..", each there once and none of them a folder of another.
std::string WrongFile(const google::protobuf::RepeatedPtrField<proto::CanvasFile>& files);

}  // namespace nightjar::lang
