#include <google/protobuf/util/json_util.h>

#include <algorithm>

#include "ipc/core/bounds.h"
#include "supervisor/cli/commands.h"
#include "supervisor/cli/input_file.h"
#include "supervisor/cli/neighbour.h"
#include "supervisor/cli/quantity.h"
#include "supervisor/cli/replace_file.h"

namespace nightjar::cli {
namespace {

// What nightjar-worker makes of a text. Its diagnostics are printed.
std::optional<std::string> Formatted(Session& session, const std::string& source,
                                     const std::string& shown) {
  auto answered = AskProgram("nightjar-worker", {"--format"}, source);
  if (!answered) {
    session.Complain(kNo, answered.error().ToString());
    return std::nullopt;
  }
  if (answered->exit_code == 0) return std::move(answered->text);
  proto::Compiled failed;
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;
  if (!google::protobuf::util::JsonStringToMessage(answered->text, &failed, options).ok() ||
      failed.diagnostics().empty()) {
    session.Complain(kNo, "nightjar-worker --format ended with " +
                              std::to_string(answered->exit_code) + " on " + shown);
    return std::nullopt;
  }
  size_t errors = PrintDiagnostics(session, failed.diagnostics(), shown);
  session.Complain(kNo, CountText(errors, "error", "errors") + " in " + shown);
  return std::nullopt;
}

ExitCode FormatFile(Session& session, const std::string& file) {
  const CommandLine& line = session.line();
  std::string shown = ShownName(file);
  auto source = ReadInput(session, file, bounds::kSourceBytes);
  if (!source) return kUsage;
  auto text = Formatted(session, *source, shown);
  if (!text) return kNo;
  if (line.check) {
    if (*text == *source) return kOk;
    session.out() << shown << "\n";
    return kNo;
  }
  if (!line.write) {
    session.out() << *text;
    return kOk;
  }
  if (*text == *source) return kOk;
  if (Status replaced = ReplaceFile(file, *text); !replaced)
    return session.Complain(kNo, replaced.error().ToString());
  return kOk;
}

}  // namespace

ExitCode Format(Session& session) {
  const CommandLine& line = session.line();
  if (line.write && std::count(line.files.begin(), line.files.end(), kStandardInput) > 0)
    return session.Complain(kUsage, "standard input cannot be written in place");
  ExitCode worst = kOk;
  for (const std::string& file : line.files) worst = std::max(worst, FormatFile(session, file));
  return worst;
}

}  // namespace nightjar::cli
