#include "supervisor/cli/render_deploy.h"

#include "ipc/proto/handler_kind.h"
#include "supervisor/cli/printable.h"
#include "supervisor/cli/quantity.h"
#include "supervisor/cli/table.h"

namespace nightjar::cli {
namespace {

constexpr size_t kSourceColumns = 120;

std::string KindText(proto::HandlerKind kind) {
  std::string_view word = HandlerKindWord(kind);
  return std::string(word.empty() ? "handler" : word);
}

// Where the character of `column` (from 1) starts in `line`; its end when the line is shorter.
size_t ByteOf(std::string_view line, uint32_t column) {
  size_t at = 0;
  for (uint32_t seen = 0; at < line.size(); ++at) {
    bool starts = (static_cast<unsigned char>(line[at]) & 0xc0) != 0x80;
    if (starts && ++seen == column) break;
  }
  return at;
}

std::string WithoutTabs(std::string_view text) {
  std::string spaced(text);
  for (char& c : spaced)
    if (c == '\t') c = ' ';
  return Printable(spaced);
}

}  // namespace

std::string RenderDeploy(const proto::DeployAnswer& answer, const std::string& file,
                         const Paint& paint) {
  std::string text =
      paint.Bold(Printable(answer.canvas())) + " revision " + std::to_string(answer.revision()) +
      " is live: " +
      CountText(static_cast<uint64_t>(answer.handlers_size()), "handler", "handlers") + ", took " +
      TimeText(answer.total_us()) + " (compiled in " + TimeText(answer.compile_us()) + ")\n";
  Table table({{""}, {""}, {""}});
  for (const proto::HandlerEntry& handler : answer.handlers())
    table.AddRow({KindText(handler.kind()), handler.name(), handler.interval()});
  text += table.Render(paint, "  ");
  for (const proto::Renaming& renaming : answer.renamings())
    text += "  " + Printable(renaming.is()) + " was " + Printable(renaming.was()) +
            ", and has its traces\n";
  for (const proto::Diagnostic& warning : answer.warnings())
    text += RenderDiagnostic(warning, file, paint);
  return text;
}

std::string RenderDiagnostic(const proto::Diagnostic& diagnostic, const std::string& file,
                             const Paint& paint) {
  std::string place = Printable(file) + ":" + std::to_string(diagnostic.line()) + ":" +
                      std::to_string(diagnostic.column()) + ": ";
  std::string kind = diagnostic.warning() ? paint.Warn("warning: ") : paint.Bad("error: ");
  std::string text = paint.Bold(place) + kind + Printable(diagnostic.message()) + "\n";
  const std::string& line = diagnostic.source_line();
  if (line.empty() || diagnostic.column() == 0) return text;
  std::string before =
      WithoutTabs(std::string_view(line).substr(0, ByteOf(line, diagnostic.column())));
  size_t columns = ColumnsOf(before);
  if (columns >= kSourceColumns) return text;
  text += "  " + CutTo(WithoutTabs(line), kSourceColumns) + "\n";
  return text + "  " + std::string(columns, ' ') + paint.Good("^") + "\n";
}

std::string RenderMissedHandled(const proto::MissedHandled& handled, const Paint& paint) {
  const std::string canvas = Printable(handled.deploy().canvas());
  const std::string handler = Printable(handled.handler());
  std::string text = paint.Bold(canvas) + " revision " +
                     std::to_string(handled.deploy().revision()) +
                     " is live, with an empty handler for " + paint.Bold(handler) + "\n";
  text += handled.run_id().empty()
              ? "  the request itself was too large to be kept: send it again for a trace\n"
              : "  it ran with the request: nightjar trace " + canvas + " " +
                    Printable(handled.run_id()) + "\n";
  return text + "  for your canvas file: [http-handler " + handler + "]\n";
}

}  // namespace nightjar::cli
