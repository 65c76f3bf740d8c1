#include "supervisor/rules/hit_saver.h"

#include <utility>
#include <vector>

namespace nightjar {

void HitSaver::Save(const proto::RuleHit& hit) {
  Unsaved& unsaved = unsaved_[hit.id()];
  unsaved.hit = hit;
  unsaved.changed = unsaved.asked;
  Retry();
}

void HitSaver::Retry() {
  // An answer may come at once, and change the map.
  std::vector<std::string> next;
  for (auto& [id, unsaved] : unsaved_) {
    if (asked_ == kAsked) break;
    if (std::exchange(unsaved.asked, true)) continue;
    ++asked_;
    next.push_back(id);
  }
  for (const std::string& id : next) {
    proto::ToWriter question;
    *question.mutable_save_rule_hit() = unsaved_.at(id).hit;
    std::weak_ptr<bool> alive = alive_;
    journal_.Ask(std::move(question), [this, alive, id](Result<proto::FromWriter> answer) {
      if (!alive.expired()) OnAnswer(id, answer.has_value());
    });
  }
}

void HitSaver::OnAnswer(const std::string& id, bool saved) {
  --asked_;
  auto at = unsaved_.find(id);
  at->second.asked = false;
  if (!saved) return;
  if (!std::exchange(at->second.changed, false)) unsaved_.erase(at);
  Retry();
}

}  // namespace nightjar
