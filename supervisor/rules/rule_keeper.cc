#include "supervisor/rules/rule_keeper.h"

#include <algorithm>
#include <vector>

#include "ipc/core/ids.h"
#include "ipc/core/log.h"
#include "policies/limit_table.h"
#include "policies/tighten.h"
#include "rules/on_wire.h"

namespace nightjar {
namespace {

using rules::ActionKind;

constexpr std::string_view kNotDone = "not done: ";

proto::ControlKind ControlOf(ActionKind kind) {
  switch (kind) {
    case ActionKind::kTighten:
    case ActionKind::kThrottle:
      return proto::CONTROL_TIGHTEN;
    case ActionKind::kPause:
      return proto::CONTROL_PAUSE;
    case ActionKind::kSuspend:
      return proto::CONTROL_SUSPEND;
    case ActionKind::kKeepEvidence:
      break;
  }
  return proto::CONTROL_UNSPECIFIED;
}

bool IsOf(const proto::RuleHit& hit, const RuleKeeper::HitFilter& filter) {
  return (filter.canvas.empty() || filter.canvas == hit.canvas()) &&
         (filter.rule.empty() || filter.rule == hit.rule()) &&
         (!filter.open || hit.ended_unix_us() == 0);
}

}  // namespace

RuleKeeper::RuleKeeper(Needs needs, std::shared_ptr<const rules::RuleSet> rules)
    : needs_(std::move(needs)),
      activity_(needs_.cpu_of_runs),
      recorder_(needs_.clock, needs_.journal),
      saver_(needs_.journal),
      finder_(std::make_unique<rules::HitFinder>(std::move(rules), needs_.processors)) {}

void RuleKeeper::WriterCame() {
  if (state_ != State::kWaits) return;
  ended_.clear();  // of a writer that went away while it told them
  ReadHits("");
}

void RuleKeeper::ReadHits(const std::string& after) {
  state_ = State::kReadsHits;
  proto::ToWriter question;
  question.mutable_rule_hits_wanted()->set_after(after);
  std::weak_ptr<bool> alive = alive_;
  needs_.journal.Ask(std::move(question), [this, alive](Result<proto::FromWriter> answer) {
    if (!alive.expired()) OnHits(std::move(answer));
  });
}

void RuleKeeper::OnHits(Result<proto::FromWriter> answer) {
  if (!answer && answer.error().code == ErrorCode::kUnavailable) {
    state_ = State::kWaits;  // for the next writer
    return;
  }
  // Rules hold without a memory too.
  if (!answer) {
    LogError("rule_hits_unread", {{"error", answer.error().ToString()}});
    return ReadCounters();
  }
  const proto::RuleHitList& list = answer->rule_hits();
  for (const proto::RuleHit& hit : list.hits())
    if (hit.ended_unix_us() == 0)
      open_.try_emplace({hit.rule(), hit.canvas()}, hit);
    else
      ended_.push_back(hit);
  if (list.more() && !list.hits().empty()) return ReadHits(list.hits().rbegin()->id());
  std::stable_sort(ended_.begin(), ended_.end(), [](const auto& one, const auto& other) {
    return one.ended_unix_us() > other.ended_unix_us();
  });
  ReadCounters();
}

void RuleKeeper::ReadCounters() {
  state_ = State::kReadsCounters;
  ++reading_;
  const int64_t now = UnixMillis(needs_.clock.Wall()) / 1000;
  ReadCounters(now - (rules().longest_window() + bounds::kCounterSlot).count(), 0);
}

void RuleKeeper::ReadCounters(int64_t since, int64_t after) {
  proto::ToWriter question;
  proto::CountersWanted& wanted = *question.mutable_counters_wanted();
  wanted.set_since_unix_s(since);
  wanted.set_until_unix_s(UnixMillis(needs_.clock.Wall()) / 1000);
  wanted.set_after_unix_s(after);
  std::weak_ptr<bool> alive = alive_;
  needs_.journal.Ask(std::move(question),
                     [this, alive, since, reading = reading_](Result<proto::FromWriter> answer) {
                       if (alive.expired() || reading != reading_) return;
                       if (!answer) {
                         LogWarning("rule_counters_unread", {{"error", answer.error().ToString()}});
                         return Begin();
                       }
                       const proto::CounterHistory& history = answer->counters();
                       for (const proto::CounterSlot& slot : history.slots()) CountSlot(slot);
                       if (!history.more() || history.slots().empty()) return Begin();
                       ReadCounters(since, history.slots().rbegin()->begins_unix_s());
                     });
}

void RuleKeeper::CountSlot(const proto::CounterSlot& slot) {
  const auto now = std::chrono::floor<std::chrono::seconds>(needs_.clock.Wall());
  const rules::Time over(std::chrono::seconds(slot.begins_unix_s() + slot.seconds()));
  for (const proto::CounterRow& row : slot.rows())
    finder_->Count(row.canvas(), rules::FromWire(row), std::min<rules::Time>(over, now));
}

// All that was before is counted.
void RuleKeeper::Begin() {
  recorder_.ForEachUnkept([this](const proto::CounterSlot& slot) { CountSlot(slot); });
  const auto now = std::chrono::floor<std::chrono::seconds>(needs_.clock.Wall());
  for (auto at = open_.begin(); at != open_.end();) {
    auto here = at++;
    const auto& [rule, canvas] = here->first;
    if (rules().Find(rule) == nullptr) {
      End(here, now, "rule " + rule + ": over, there is no such rule any more");
      continue;
    }
    const std::chrono::microseconds began(here->second.began_unix_us());
    finder_->GoOn(rule, canvas, rules::Time(std::chrono::floor<std::chrono::seconds>(began)), now);
  }
  state_ = State::kLooks;
}

void RuleKeeper::Look() {
  if (state_ != State::kLooks || needs_.clock.Mono() < next_look_) return;
  next_look_ = needs_.clock.Mono() + kLookEvery;
  saver_.Retry();
  const auto now = std::chrono::floor<std::chrono::seconds>(needs_.clock.Wall());
  Activity::Taken taken = activity_.Take();
  for (const auto& [canvas, counts] : taken)
    if (RevisionPtr revision = needs_.book.Find(canvas)) code_.Used(*revision, now);
  for (auto& [canvas, counts] : taken) {
    counts[rules::Counter::kSameCode] = code_.CanvasesLike(canvas);
    finder_->Count(canvas, counts, now);
    recorder_.Add(canvas, counts);
  }
  recorder_.Tell();
  code_.Forget(now);
  for (const rules::Change& change : finder_->Look(now)) {
    if (change.kind != rules::Change::Kind::kEnded) {
      Hit(change);
      continue;
    }
    auto hit = open_.find({change.rule->name, change.canvas});
    if (hit != open_.end()) End(hit, change.at, change.explanation);
  }
}

void RuleKeeper::TellAll() {
  for (const auto& [canvas, counts] : activity_.Take()) recorder_.Add(canvas, counts);
  recorder_.TellAll();
  saver_.Retry();
}

void RuleKeeper::AddUnkept(proto::CounterHistory* history) const {
  recorder_.ForEachUnkept([&](const proto::CounterSlot& slot) {
    if (slot.begins_unix_s() >= history->since_unix_s() &&
        slot.begins_unix_s() < history->until_unix_s())
      *history->add_slots() = slot;
  });
}

// Or acts again on one that goes on.
void RuleKeeper::Hit(const rules::Change& change) {
  const rules::Rule& rule = *change.rule;
  auto [at, is_new] = open_.try_emplace({rule.name, change.canvas});
  proto::RuleHit& hit = at->second;
  if (is_new) {
    hit.set_id(RunId::New(needs_.clock.Wall()).ToString());
    ++hits_ever_[rule.name];
  }
  hit.set_rules_version(finder_->rules().version);
  rules::PutFound(change, &hit);
  if (!change.hold_back) Act(rule, &hit);
  LogWarning("rule_hit", {{"rule", rule.name},
                          {"canvas", change.canvas},
                          {"hit", hit.id()},
                          {"explanation", change.explanation}});
  saver_.Save(hit);
  needs_.tell(is_new ? Event::kBegan : Event::kAgain, hit);
}

void RuleKeeper::End(std::map<Key, proto::RuleHit>::iterator at, rules::Time when,
                     const std::string& explanation) {
  proto::RuleHit hit = std::move(at->second);
  open_.erase(at);
  hit.set_ended_unix_us(UnixMicros(when));
  hit.set_over(explanation);
  LogInfo(
      "rule_hit_over",
      {{"rule", hit.rule()}, {"canvas", hit.canvas()}, {"hit", hit.id()}, {"why", explanation}});
  saver_.Save(hit);
  ended_.push_front(hit);
  if (ended_.size() > bounds::kRuleHitsEnded) ended_.pop_back();
  needs_.tell(Event::kEnded, hit);
}

void RuleKeeper::Act(const rules::Rule& rule, proto::RuleHit* hit) {
  hit->clear_done();
  for (const rules::Action& action : rule.actions)
    if (action.kind == ActionKind::kKeepEvidence)
      KeepEvidence(*hit);
    else
      hit->add_done(MakeControl(rule, action, *hit));
}

// What was done, in one sentence, or why not.
std::string RuleKeeper::MakeControl(const rules::Rule& rule, const rules::Action& action,
                                    const proto::RuleHit& hit) {
  if (!action.limit.empty()) {
    // A limit that is tighter already stays.
    const policy::LimitKey* key = policy::FindLimitKey(action.limit);
    auto value = policy::ReadTighter(*key, action.value, needs_.policy()->For(hit.canvas(), ""));
    if (!value) return std::string(kNotDone) + action.text + ": " + value.error();
  }
  proto::Control control;
  control.set_kind(ControlOf(action.kind));
  control.set_canvas(hit.canvas());
  control.set_limit(action.limit);
  control.set_value(action.value);
  control.set_reason(hit.explanation());
  control.set_by("rule " + rule.name);
  if (rule.lasting.count() > 0)
    control.set_expires_unix_us(UnixMicros(needs_.clock.Wall()) +
                                std::chrono::microseconds(rule.lasting).count());
  // Whether it is on the disk yet the keeper says by itself.
  auto made = needs_.controls.Make(std::move(control), [](bool) {});
  if (!made) return std::string(kNotDone) + action.text + ": " + made.error().ToString();
  return "control " + std::to_string(made->id()) + ": " + action.text;
}

void RuleKeeper::KeepEvidence(const proto::RuleHit& hit) {
  proto::ToWriter question;
  question.mutable_list_incidents()->set_canvas(hit.canvas());
  question.mutable_list_incidents()->set_rows_max(kEvidence);
  std::weak_ptr<bool> alive = alive_;
  needs_.journal.Ask(std::move(question), [this, alive, hit](Result<proto::FromWriter> answer) {
    if (alive.expired()) return;
    if (!answer)
      return LogError(
          "rule_evidence_not_kept",
          {{"hit", hit.id()}, {"canvas", hit.canvas()}, {"error", answer.error().ToString()}});
    // A request that was refused has an incident, and no trace.
    for (const proto::IncidentRow& row : answer->incidents().incidents())
      if (row.verdict() != proto::VERDICT_REFUSED) HoldTrace(hit, row.run_id());
  });
}

void RuleKeeper::HoldTrace(const proto::RuleHit& hit, const std::string& run) {
  auto id = RunId::Parse(run);
  if (!id) return;
  proto::ToWriter question;
  proto::HoldTrace& hold = *question.mutable_hold_trace();
  hold.set_canvas(hit.canvas());
  hold.set_run_id(std::string(id->bytes()));
  hold.set_reason(hit.explanation());
  hold.set_by("rule " + hit.rule());
  std::weak_ptr<bool> alive = alive_;
  needs_.journal.Ask(
      std::move(question), [this, alive, hit, run](Result<proto::FromWriter> answer) {
        if (alive.expired()) return;
        // Of a run that policy kept no trace of, for one.
        if (!answer)
          return LogWarning("rule_evidence_not_kept", {{"hit", hit.id()},
                                                       {"canvas", hit.canvas()},
                                                       {"run", run},
                                                       {"error", answer.error().ToString()}});
        auto at = open_.find({hit.rule(), hit.canvas()});
        if (at != open_.end() && at->second.id() == hit.id() &&
            std::count(at->second.held().begin(), at->second.held().end(), run) == 0) {
          at->second.add_held(run);
          saver_.Save(at->second);
        }
        needs_.held(hit, run);
      });
}

void RuleKeeper::Take(std::shared_ptr<const rules::RuleSet> rules) {
  if (rules->version == finder_->rules().version) return;
  finder_ = std::make_unique<rules::HitFinder>(std::move(rules), needs_.processors);
  if (state_ == State::kReadsCounters || state_ == State::kLooks) ReadCounters();
}

uint64_t RuleKeeper::OpenOf(const std::string& rule) const {
  return static_cast<uint64_t>(std::count_if(
      open_.begin(), open_.end(), [&](const auto& hit) { return hit.first.first == rule; }));
}

proto::RuleList RuleKeeper::List() const {
  proto::RuleList list;
  list.set_version(rules().version);
  list.set_canvases(finder_->canvases());
  list.set_processors(needs_.processors);
  for (const rules::Rule& rule : rules().rules) {
    proto::RuleRow& row = *list.add_rules();
    row = rules::RowOf(rule);
    row.set_open_hits(OpenOf(rule.name));
    auto ever = hits_ever_.find(rule.name);
    row.set_hits(ever == hits_ever_.end() ? 0 : ever->second);
  }
  return list;
}

proto::RuleHitList RuleKeeper::Hits(const HitFilter& filter) const {
  std::vector<const proto::RuleHit*> found;
  for (const auto& [key, hit] : open_)
    if (IsOf(hit, filter)) found.push_back(&hit);
  for (const proto::RuleHit& hit : ended_)
    if (IsOf(hit, filter)) found.push_back(&hit);
  std::stable_sort(found.begin(), found.end(), [](const auto* one, const auto* other) {
    return one->began_unix_us() > other->began_unix_us();
  });
  proto::RuleHitList list;
  for (const proto::RuleHit* hit : found) {
    if (static_cast<size_t>(list.hits_size()) == filter.hits_max) {
      list.set_more(true);
      break;
    }
    *list.add_hits() = *hit;
  }
  return list;
}

}  // namespace nightjar
