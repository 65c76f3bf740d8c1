// The abuse rules in force: holds what canvases do against them, does what a rule says when it
// hits, and remembers what was hit and why.
//
// What a rule does is done by the means that operators have: controls, in the rule's name and with
// the hit's explanation as their reason, and holds on traces. Nothing is done without an
// explanation, and nothing by a hit that is held back (rules/hit_finder.h).
//
// What was counted and what was hit is kept by the storage writer: a supervisor begins with what
// the ones before it have seen, and rules that are read anew with what there was before them.
// Until it is read again nothing is looked at; what happens meanwhile counts then. Loop thread
// only.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "ipc/core/bounds.h"
#include "ipc/core/clock.h"
#include "ipc/proto/control.pb.h"
#include "policies/policy.h"
#include "rules/hit_finder.h"
#include "supervisor/canvas/canvas_book.h"
#include "supervisor/controls/control_keeper.h"
#include "supervisor/journal/journal.h"
#include "supervisor/rules/activity.h"
#include "supervisor/rules/code_in_use.h"
#include "supervisor/rules/counter_recorder.h"
#include "supervisor/rules/hit_saver.h"

namespace nightjar {

class RuleKeeper {
 public:
  // How often canvases are looked at.
  static constexpr std::chrono::seconds kLookEvery{2};
  // Traces of so many incidents are held by one hit.
  static constexpr uint32_t kEvidence = 3;

  enum class Event { kBegan, kAgain, kEnded };
  struct Needs {
    const Clock& clock;
    Journal& journal;
    const CanvasBook& book;
    ControlKeeper& controls;
    std::function<std::shared_ptr<const policy::Policy>()> policy;
    unsigned processors;  // what 100 % of cpu_share is
    bool cpu_of_runs;     // as of Activity
    std::function<void(Event, const proto::RuleHit&)> tell;
    std::function<void(const proto::RuleHit&, const std::string& run)> held;  // its trace
  };
  RuleKeeper(Needs needs, std::shared_ptr<const rules::RuleSet> rules);

  Activity& activity() { return activity_; }
  // There is a writer: what supervisors before this counted and hit is read from it, once.
  void WriterCame();
  // Call every second or so; does something every kLookEvery.
  void Look();
  // Other rules. Hits of rules that are still there go on, the others are over. No effect where it
  // is the same version.
  void Take(std::shared_ptr<const rules::RuleSet> rules);
  // Hands over what was counted and not told yet. Nothing is looked at afterwards.
  void TellAll();
  // All of that, and all hits, are kept.
  bool settled() const { return recorder_.settled() && saver_.settled(); }
  // Adds what the writer's answer cannot have yet, of that time.
  void AddUnkept(proto::CounterHistory* history) const;

  // GET /rules, without `file`.
  proto::RuleList List() const;
  struct HitFilter {
    std::string canvas = {};  // empty: any
    std::string rule = {};
    bool open = false;  // only those that go on
    size_t hits_max = bounds::kListRows;
  };
  // Newest first.
  proto::RuleHitList Hits(const HitFilter& filter) const;

  const rules::RuleSet& rules() const { return finder_->rules(); }
  // By rule.
  const std::map<std::string, uint64_t>& hits_ever() const { return hits_ever_; }
  size_t open_hits() const { return open_.size(); }

 private:
  using Key = std::pair<std::string, std::string>;  // rule, canvas
  enum class State { kWaits, kReadsHits, kReadsCounters, kLooks };
  void ReadHits(const std::string& after);
  void OnHits(Result<proto::FromWriter> answer);
  void ReadCounters();
  void ReadCounters(int64_t since, int64_t after);
  void CountSlot(const proto::CounterSlot& slot);
  void Begin();
  void Hit(const rules::Change& change);
  void End(std::map<Key, proto::RuleHit>::iterator hit, rules::Time at,
           const std::string& explanation);
  void Act(const rules::Rule& rule, proto::RuleHit* hit);
  std::string MakeControl(const rules::Rule& rule, const rules::Action& action,
                          const proto::RuleHit& hit);
  void KeepEvidence(const proto::RuleHit& hit);
  void HoldTrace(const proto::RuleHit& hit, const std::string& run);
  uint64_t OpenOf(const std::string& rule) const;

  Needs needs_;
  Activity activity_;
  CounterRecorder recorder_;
  HitSaver saver_;
  CodeInUse code_;
  std::unique_ptr<rules::HitFinder> finder_;
  State state_ = State::kWaits;
  uint64_t reading_ = 0;  // which reading of counters is the newest
  MonoTime next_look_{};
  std::map<Key, proto::RuleHit> open_;
  std::deque<proto::RuleHit> ended_;  // the newest end first
  std::map<std::string, uint64_t> hits_ever_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace nightjar
