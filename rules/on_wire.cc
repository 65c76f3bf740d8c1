#include "rules/on_wire.h"

#include "ipc/core/clock.h"

namespace nightjar::rules {

proto::RuleRow RowOf(const Rule& rule) {
  proto::RuleRow row;
  row.set_name(rule.name);
  row.set_about(rule.about);
  row.set_place(rule.place);
  for (const Condition& condition : rule.when) row.add_when(condition.text);
  row.set_window_s(static_cast<uint64_t>(rule.window.count()));
  for (const Action& action : rule.actions) row.add_actions(action.text);
  row.set_lasting_s(static_cast<uint64_t>(rule.lasting.count()));
  return row;
}

void PutFound(const Change& change, proto::RuleHit* hit) {
  hit->set_rule(change.rule->name);
  hit->set_canvas(change.canvas);
  hit->set_began_unix_us(UnixMicros(change.began));
  hit->set_explanation(change.explanation);
  hit->set_held_back(change.hold_back);
  hit->clear_findings();
  for (const Finding& found : change.findings) {
    proto::RuleFinding& finding = *hit->add_findings();
    finding.set_condition(found.condition);
    finding.set_value(found.value);
  }
}

}  // namespace nightjar::rules
