#include "supervisor/cli/input_file.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "supervisor/cli/quantity.h"
#include "supervisor/cli/render_deploy.h"

namespace nightjar::cli {

std::optional<std::string> ReadInput(Session& session, const std::string& file, size_t bytes_max) {
  std::ifstream opened;
  bool standard = file == kStandardInput;
  if (!standard) {
    std::error_code ignored;
    if (std::filesystem::is_directory(file, ignored)) {
      session.Complain(kUsage, file + " is a directory");
      return std::nullopt;
    }
    errno = 0;
    opened.open(file, std::ios::binary);
    if (!opened) {
      session.Complain(kUsage, "cannot read " + file + ": " + strerror(errno));
      return std::nullopt;
    }
  }
  std::istream& in = standard ? std::cin : opened;
  std::string text;
  char block[64 * 1024];
  while (in.read(block, sizeof block) || in.gcount() > 0) {
    text.append(block, static_cast<size_t>(in.gcount()));
    if (text.size() <= bytes_max) continue;
    session.Complain(kUsage, file + " is larger than " + BytesText(bytes_max));
    return std::nullopt;
  }
  return text;
}

std::string ShownName(const std::string& file) {
  return file == kStandardInput ? "(standard input)" : file;
}

size_t PrintDiagnostics(Session& session,
                        const google::protobuf::RepeatedPtrField<proto::Diagnostic>& diagnostics,
                        const std::string& shown) {
  size_t errors = 0;
  for (const proto::Diagnostic& diagnostic : diagnostics) {
    session.err() << RenderDiagnostic(diagnostic, shown, session.error_paint());
    if (!diagnostic.warning()) ++errors;
  }
  return errors;
}

}  // namespace nightjar::cli
