#include "supervisor/cli/render_policy.h"

#include "supervisor/cli/printable.h"
#include "supervisor/cli/quantity.h"
#include "supervisor/cli/table.h"

namespace nightjar::cli {
namespace {

constexpr auto kRight = Table::Align::kRight;
constexpr int kNamesShown = 10;  // of those for whom the same changes

std::string WhoText(const proto::PolicyChange& change) {
  std::string text;
  for (int i = 0; i < change.who_size() && i < kNamesShown; ++i)
    text += (i == 0 ? "" : "; ") + Printable(change.who(i));
  if (change.who_size() > kNamesShown)
    text += "; and " + std::to_string(change.who_size() - kNamesShown) + " more";
  return text;
}

const char* DirectionText(proto::LimitDirection direction) {
  switch (direction) {
    case proto::LIMIT_TIGHTER:
      return "tighter";
    case proto::LIMIT_LOOSER:
      return "looser";
    default:
      return "";
  }
}

std::string SourceText(const proto::LimitInForce& limit) {
  return limit.source() == "built in" ? limit.source() : limit.source() + ", " + limit.layer();
}

}  // namespace

std::string RenderComplaints(const proto::PolicyCheck& check, const Paint& paint) {
  std::string text;
  for (const proto::PolicyComplaint& complaint : check.complaints())
    text += Printable(complaint.file()) + ":" + std::to_string(complaint.line()) + ":" +
            std::to_string(complaint.column()) + ": " +
            (complaint.warning() ? paint.Warn("warning: ") : "") + Printable(complaint.message()) +
            "\n";
  return text;
}

std::string RenderPolicyDiff(const proto::PolicyDiff& diff, const Paint& paint) {
  if (diff.changes().empty()) return "No limit changes for anybody.\n";
  std::string text;
  for (const proto::PolicyChange& change : diff.changes()) {
    text += (text.empty() ? "" : "\n") + paint.Bold(WhoText(change)) + "\n";
    Table table({{"LIMIT"}, {"FROM", kRight}, {"TO", kRight}, {""}, {"SET BY"}});
    for (const proto::LimitChange& limit : change.limits())
      table.AddRow({limit.to().name(), limit.from().value(), limit.to().value(),
                    DirectionText(limit.direction()), SourceText(limit.to())});
    text += table.Render(paint, "  ");
  }
  return text;
}

std::string RenderExplained(const proto::LimitsAnswer& answer, const Paint& paint) {
  std::string text = LimitsHeading(answer);
  Table table({{"LIMIT"}, {"VALUE", kRight}, {""}, {"SET BY"}, {"LAYER"}});
  for (const proto::LimitExplained& limit : answer.explained()) {
    for (int i = 0; i < limit.said_size(); ++i) {
      const proto::LimitInForce& said = limit.said(i);
      bool holds = i + 1 == limit.said_size();
      bool built_in = said.source() == "built in";
      table.AddRow({i == 0 ? said.name() : "", said.value(), holds ? "<- holds" : "", said.source(),
                    built_in ? "" : said.layer()});
    }
  }
  return text + table.Render(paint);
}

std::string LimitsHeading(const proto::LimitsAnswer& answer) {
  std::string text = "Limits of canvas " + Printable(answer.canvas());
  if (!answer.handler().empty()) text += ", handler " + Printable(answer.handler());
  text += ", policy " + Printable(answer.policy_version());
  if (answer.policy_load() != 0)
    text += ", load " + std::to_string(answer.policy_load()) + " at " +
            ClockText(answer.policy_loaded_unix_us());
  text += "\n";
  if (!answer.not_deployed().empty())
    text += Printable(answer.not_deployed()) + " is not deployed: it would have these.\n";
  return text;
}

}  // namespace nightjar::cli
