#include "rules/trial.h"

#include <algorithm>
#include <utility>

#include "ipc/core/bounds.h"
#include "ipc/core/clock.h"
#include "rules/on_wire.h"

namespace nightjar::rules {

Trial::Trial(std::shared_ptr<const RuleSet> rules, unsigned processors)
    : rules_(rules), finder_(std::move(rules), processors) {}

void Trial::Take(const proto::CounterSlot& slot) {
  const Time over(Seconds(slot.begins_unix_s() + slot.seconds()));
  if (next_look_ == Time()) next_look_ = over;
  counted_ = std::max(counted_, over);
  LookUntil(over - Seconds(1));
  for (const proto::CounterRow& row : slot.rows()) {
    canvases_.insert(row.canvas());
    finder_.Count(row.canvas(), FromWire(row), over);
  }
  if (!slot.rows().empty()) slots_.insert(slot.begins_unix_s());
}

void Trial::LookUntil(Time time) {
  for (; next_look_ <= time; next_look_ += bounds::kCounterSlot)
    for (const Change& change : finder_.Look(next_look_)) Note(change);
}

void Trial::Note(const Change& change) {
  const std::pair<std::string, std::string> key(change.rule->name, change.canvas);
  if (change.kind == Change::Kind::kEnded) {
    auto at = open_.find(key);
    proto::RuleHit& hit = *trial_.mutable_hits(at->second);
    hit.set_ended_unix_us(UnixMicros(change.at));
    hit.set_over(change.explanation);
    open_.erase(at);
    return;
  }
  // Acted on again: it is the same hit.
  if (change.kind == Change::Kind::kAgain) return;
  open_[key] = trial_.hits_size();
  proto::RuleHit& hit = *trial_.add_hits();
  PutFound(change, &hit);
  if (change.hold_back) return;
  for (const Action& action : change.rule->actions) hit.add_would(action.text);
}

proto::RuleTrial Trial::Finish(Time since, Time until) {
  // The newest slot need not be over.
  if (next_look_ != Time()) LookUntil(std::max(until, counted_));
  trial_.set_version(rules_->version);
  trial_.set_since_unix_us(UnixMicros(since));
  trial_.set_until_unix_us(UnixMicros(until));
  trial_.set_canvases(static_cast<uint32_t>(canvases_.size()));
  trial_.set_slots(slots_.size());
  if (!slots_.empty()) trial_.set_first_unix_us(UnixMicros(Time(Seconds(*slots_.begin()))));
  for (const Rule& rule : rules_->rules) *trial_.add_rules() = RowOf(rule);
  for (const proto::RuleHit& hit : trial_.hits())
    for (proto::RuleRow& row : *trial_.mutable_rules()) {
      if (row.name() != hit.rule()) continue;
      row.set_hits(row.hits() + 1);
      if (hit.ended_unix_us() == 0) row.set_open_hits(row.open_hits() + 1);
    }
  return std::move(trial_);
}

}  // namespace nightjar::rules
