#include "supervisor/writer/upload_text.h"

#include <google/protobuf/util/json_util.h>

namespace nightjar {

bool IsUpload(const std::string& source) {
  size_t first = source.find_first_not_of(" \t\r\n");
  return first != std::string::npos && source[first] == '{';
}

Result<proto::Upload> ReadUpload(const std::string& source) {
  proto::Upload upload;
  if (!google::protobuf::util::JsonStringToMessage(source, &upload).ok())
    return Fail(ErrorCode::kProtocol, "what was deployed cannot be read");
  return upload;
}

Result<std::string> WriteUpload(const proto::Upload& upload) {
  std::string source;
  if (!google::protobuf::util::MessageToJsonString(upload, &source).ok())
    return Fail(ErrorCode::kInternal, "what was deployed cannot be written again");
  return source;
}

}  // namespace nightjar
