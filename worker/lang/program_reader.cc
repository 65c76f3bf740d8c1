#include "worker/lang/program_reader.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include "ipc/core/bounds.h"
#include "worker/lang/parser.h"

namespace nightjar::lang {
namespace {

// Messages nested in a program: a nested expression can be up to five of them, such as a call that
// has a record as its argument.
constexpr int kMessageLevels = 6 * kNestingMax;

}  // namespace

Status ReadProgram(std::string_view bytes, proto::Program* program) {
  if (bytes.size() > bounds::kProgramBytes)
    return Fail(ErrorCode::kProtocol, "the program is too large");
  google::protobuf::io::ArrayInputStream stream(bytes.data(), static_cast<int>(bytes.size()));
  google::protobuf::io::CodedInputStream input(&stream);
  input.SetRecursionLimit(kMessageLevels);
  if (!program->ParseFromCodedStream(&input) || !input.ConsumedEntireMessage())
    return Fail(ErrorCode::kProtocol, "this is not a program");
  if (program->format() != kProgramFormat)
    return Fail(ErrorCode::kUnsupported,
                "the program has the format " + std::to_string(program->format()) +
                    ", and this engine has " + std::to_string(kProgramFormat));
  return {};
}

}  // namespace nightjar::lang
