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

std::string FileText(const std::string& file) {
  return file.empty() ? "the program itself" : Printable(file);
}

void AddHit(const proto::RuleHit& hit, const Paint& paint, std::string* text) {
  const bool is_open = hit.ended_unix_us() == 0;
  *text += paint.Dim(ClockText(hit.began_unix_us())) + "  " + paint.Name(Printable(hit.canvas())) +
           "  " +
           (is_open ? paint.Bad("goes on") : "over since " + ClockText(hit.ended_unix_us())) +
           "\n  " + Printable(hit.explanation()) + "\n";
  for (const std::string& done : hit.done()) *text += "  " + Printable(done) + "\n";
  if (!hit.would().empty()) *text += "  would: " + Printable(Joined(hit.would(), ", ")) + "\n";
  for (const std::string& run : hit.held())
    *text += "  held: trace " + Printable(run) + ", see nightjar why " + Printable(run) + "\n";
  if (!hit.over().empty()) *text += "  " + Printable(hit.over()) + "\n";
}

}  // namespace

std::string RenderRules(const proto::RuleList& list, const Paint& paint) {
  std::string text = "rules " + Printable(list.version()) + " of " + FileText(list.file()) +
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
  for (const proto::RuleHit& hit : list.hits()) AddHit(hit, paint, &text);
  if (list.more()) text += "Older ones are left out; -n shows more.\n";
  return text;
}

std::string RenderRuleTrial(const proto::RuleTrial& trial, const Paint& paint) {
  std::string text = "rules " + Printable(trial.version()) + " of " + FileText(trial.file()) +
                     ", held against " + ClockText(trial.since_unix_us()) + " to " +
                     ClockText(trial.until_unix_us()) + "\n";
  if (trial.slots() == 0) return text + "Nothing was counted in that time.\n";
  text += CountText(trial.canvases(), "canvas", "canvases") + " in " +
          CountText(trial.slots(), "minute", "minutes") +
          " that something happened in, the first " + ClockText(trial.first_unix_us()) + "\n";
  Table table({{"RULE"},
               {"WOULD HIT", Table::Align::kRight},
               {"STILL", Table::Align::kRight},
               {"ACTIONS", Table::Align::kLeft, 60},
               {"PLACE"}});
  for (const proto::RuleRow& rule : trial.rules())
    table.AddRow({rule.name(), std::to_string(rule.hits()), std::to_string(rule.open_hits()),
                  rule.actions().empty() ? "flag" : Joined(rule.actions(), ", "), rule.place()});
  text += table.Render(paint);
  for (const proto::RuleHit& hit : trial.hits()) AddHit(hit, paint, &text);
  return text;
}

}  // namespace nightjar::cli
