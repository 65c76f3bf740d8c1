#include "supervisor/cli/render_rules.h"

#include "supervisor/cli/printable.h"
#include "supervisor/cli/quantity.h"
#include "supervisor/cli/table.h"

namespace nightjar::cli {
namespace {

template <typename Texts>
std::string Joined(const Texts& texts, const char* between) {
  std::string all;
  for (const std::string& text : texts) all += (all.empty() ? "" : between) + text;
  return all;
}

}  // namespace

std::string RenderRules(const proto::RuleList& list, const Paint& paint) {
  std::string text = "rules " + Printable(list.version()) + " of " +
                     (list.file().empty() ? "the program itself" : Printable(list.file())) +
                     ", over " + CountText(list.canvases(), "canvas", "canvases") +
                     " that were used\n";
  if (!list.trouble().empty())
    text +=
        paint.Warn("The file was read again and not taken: " + Printable(list.trouble())) + "\n";
  if (list.rules().empty()) return text + "There is no rule.\n";
  Table table({{"RULE"},
               {"OPEN", Table::Align::kRight},
               {"HITS", Table::Align::kRight},
               {"WINDOW", Table::Align::kRight},
               {"WHEN", Table::Align::kLeft, 80},
               {"ACTIONS", Table::Align::kLeft, 60},
               {"PLACE"}});
  for (const proto::RuleRow& rule : list.rules())
    table.AddRow({rule.name(), std::to_string(rule.open_hits()), std::to_string(rule.hits()),
                  std::to_string(rule.window_s()) + " s", Joined(rule.when(), " and "),
                  rule.actions().empty() ? "flag" : Joined(rule.actions(), ", "), rule.place()});
  return text + table.Render(paint);
}

// Not a table: the sentences are what it is about.
std::string RenderRuleHits(const proto::RuleHitList& list, const Paint& paint) {
  if (list.hits().empty()) return "No rule has hit.\n";
  std::string text;
  for (const proto::RuleHit& hit : list.hits()) {
    const bool is_open = hit.ended_unix_us() == 0;
    text += paint.Dim(ClockText(hit.began_unix_us())) + "  " + paint.Name(Printable(hit.canvas())) +
            "  " +
            (is_open ? paint.Bad("goes on") : "over since " + ClockText(hit.ended_unix_us())) +
            "\n  " + Printable(hit.explanation()) + "\n";
    for (const std::string& done : hit.done()) text += "  " + Printable(done) + "\n";
    for (const std::string& run : hit.held())
      text += "  held: trace " + Printable(run) + ", see nightjar why " + Printable(run) + "\n";
    if (!hit.over().empty()) text += "  " + Printable(hit.over()) + "\n";
  }
  if (list.more()) text += "Older ones are left out; -n shows more.\n";
  return text;
}

}  // namespace nightjar::cli
