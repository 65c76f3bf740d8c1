#include "supervisor/cli/render_controls.h"

#include "supervisor/cli/printable.h"
#include "supervisor/cli/quantity.h"
#include "supervisor/cli/table.h"

namespace nightjar::cli {
namespace {

const char* What(proto::ControlKind kind) {
  switch (kind) {
    case proto::CONTROL_SUSPEND:
      return "suspended";
    case proto::CONTROL_PAUSE:
      return "paused";
    case proto::CONTROL_BLOCK:
      return "blocked";
    case proto::CONTROL_TIGHTEN:
      return "tightened";
    default:
      return "unknown";
  }
}

// What of the canvas it is about.
std::string About(const proto::Control& control) {
  std::string text = control.handler();
  if (!control.handler_kind().empty()) text = "all of kind " + control.handler_kind();
  if (control.limit().empty()) return text;
  return control.limit() + " = " + control.value() + (text.empty() ? "" : ", " + text);
}

std::string Until(const proto::Control& control) {
  return control.expires_unix_us() == 0 ? "lifted" : ClockText(control.expires_unix_us());
}

}  // namespace

std::string RenderControlMade(const proto::ControlAnswer& answer) {
  const proto::Control& control = answer.control();
  std::string about = About(control);
  std::string text = "control " + std::to_string(control.id()) + ": " +
                     Printable(control.canvas()) + (about.empty() ? "" : ", " + Printable(about)) +
                     " is " + What(control.kind()) + " until " + Until(control) +
                     "; in force after " + TimeText(answer.took_us()) + "\n";
  if (answer.killed() > 0) text += CountText(answer.killed(), "run", "runs") + " killed\n";
  if (answer.going_on() > 0)
    text += CountText(answer.going_on(), "run", "runs") + " in flight may finish\n";
  if (!answer.stored())
    text +=
        "It could not be kept on the disk yet: a restart of the supervisor now would forget it.\n";
  return text;
}

std::string RenderControls(const proto::ControlList& list, const Paint& paint) {
  if (list.controls().empty()) return "No control is in force.\n";
  Table table({{"CONTROL", Table::Align::kRight},
               {"CANVAS"},
               {"WHAT"},
               {"OF", Table::Align::kLeft, 40},
               {"MADE"},
               {"UNTIL"},
               {"BY"},
               {"REASON", Table::Align::kLeft, 60}});
  for (const proto::Control& control : list.controls())
    table.AddRow({std::to_string(control.id()), control.canvas(), What(control.kind()),
                  About(control), ClockText(control.made_unix_us()), Until(control), control.by(),
                  control.reason()});
  return table.Render(paint);
}

std::string RenderAudit(const proto::AuditList& list, const Paint& paint) {
  std::string text = "No entry matches.\n";
  if (!list.entries().empty()) {
    Table table({{"ENTRY", Table::Align::kRight},
                 {"AT"},
                 {"ACTOR"},
                 {"ACTION"},
                 {"CANVAS"},
                 {"OBJECT", Table::Align::kLeft, 40},
                 {"PARAMETERS", Table::Align::kLeft, 40},
                 {"OUTCOME", Table::Align::kLeft, 48},
                 {"REASON", Table::Align::kLeft, 60}});
    for (const proto::AuditEntry& entry : list.entries()) {
      std::string parameters;
      for (const proto::AuditParameter& parameter : entry.parameters())
        parameters += (parameters.empty() ? "" : " ") + parameter.name() + "=" + parameter.value();
      table.AddRow(
          {std::to_string(entry.number()), ClockText(entry.at_unix_us()),
           entry.user().empty() ? entry.actor() : entry.user() + " (" + entry.actor() + ")",
           entry.action(), entry.canvas(), entry.object(), parameters,
           entry.status() == 0 ? entry.outcome()
                               : std::to_string(entry.status()) + " " + entry.outcome(),
           entry.reason()});
    }
    text = table.Render(paint);
  }
  if (list.looked_enough()) text += "So many did not match that older ones were not looked at.\n";
  return text;
}

}  // namespace nightjar::cli
