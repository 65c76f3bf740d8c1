#include "worker/lang/format_text.h"

#include <google/protobuf/util/json_util.h>

#include <string>

#include "ipc/core/bounds.h"
#include "worker/lang/parser.h"
#include "worker/lang/source_printer.h"

namespace nightjar::lang {

bool FormatStream(std::istream& in, std::ostream& out) {
  std::string source;
  char block[64 * 1024];
  while (source.size() <= bounds::kSourceBytes && (in.read(block, sizeof block), in.gcount() > 0))
    source.append(block, static_cast<size_t>(in.gcount()));
  FormatResult result;
  if (source.size() <= bounds::kSourceBytes) {
    result = FormatCanvas(source);
  } else {
    result.errors.push_back(DiagnosticAt(
        1, 1, "a canvas file has at most " + std::to_string(bounds::kSourceBytes) + " bytes"));
  }
  if (result.errors.empty()) {
    out << result.text << std::flush;
    return static_cast<bool>(out);
  }
  proto::Compiled failed;
  for (const proto::Diagnostic& error : result.errors) *failed.add_diagnostics() = error;
  std::string json;
  if (google::protobuf::util::MessageToJsonString(failed, &json).ok()) out << json << std::flush;
  return false;
}

}  // namespace nightjar::lang
