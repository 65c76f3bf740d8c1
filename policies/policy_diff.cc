#include "policies/policy_diff.h"

#include <map>
#include <set>

namespace nightjar::policy {
namespace {

std::vector<LimitChange> Changes(const Limits& from, const Limits& to) {
  std::vector<LimitChange> changes;
  for (const LimitKey& key : LimitKeys()) {
    Direction direction = DirectionOf(key, key.ValueIn(from), key.ValueIn(to));
    if (direction != Direction::kSame)
      changes.push_back({key.TextIn(from), key.TextIn(to), direction});
  }
  return changes;
}

// Values only: the same change for two canvases may come from two lines.
std::string Signature(const std::vector<LimitChange>& changes) {
  std::string text;
  for (const LimitChange& change : changes)
    text += change.from.name + " " + change.from.value + " " + change.to.value + "\n";
  return text;
}

class Comparison {
 public:
  void Add(const std::string& who, std::vector<LimitChange> changes) {
    if (changes.empty()) return;
    auto [at, is_new] = places_.emplace(Signature(changes), found_.size());
    if (is_new) found_.push_back({{}, std::move(changes)});
    found_[at->second].who.push_back(who);
  }

  std::vector<PolicyChange> Found() { return std::move(found_); }

 private:
  std::map<std::string, size_t> places_;  // in found_
  std::vector<PolicyChange> found_;
};

std::set<std::string> CanvasesOf(const PolicyLayers& from, const PolicyLayers& to) {
  std::set<std::string> names;
  for (const PolicyLayers* layers : {&from, &to})
    for (const auto& [name, canvas] : layers->canvases) names.insert(name);
  return names;
}

std::set<std::string> HandlersOf(const PolicyLayers& from, const PolicyLayers& to,
                                 const std::string& canvas) {
  std::set<std::string> names;
  for (const PolicyLayers* layers : {&from, &to}) {
    auto named = layers->canvases.find(canvas);
    if (named == layers->canvases.end()) continue;
    for (const auto& [name, layer] : named->second.handlers) names.insert(name);
  }
  return names;
}

}  // namespace

std::vector<PolicyChange> Compare(const PolicyLayers& from, const PolicyLayers& to) {
  Comparison comparison;
  comparison.Add("every other canvas", Changes(Merged({&from.defaults}), Merged({&to.defaults})));
  for (const auto& [name, layer] : from.plans)
    if (to.plans.contains(name))
      comparison.Add("plan " + name,
                     Changes(Merged(LayersOfPlan(from, name)), Merged(LayersOfPlan(to, name))));
  for (const std::string& canvas : CanvasesOf(from, to)) {
    auto changes = Changes(Merged(LayersOf(from, canvas, "")), Merged(LayersOf(to, canvas, "")));
    std::string of_canvas = Signature(changes);
    comparison.Add("canvas " + canvas, std::move(changes));
    for (const std::string& handler : HandlersOf(from, to, canvas)) {
      auto own =
          Changes(Merged(LayersOf(from, canvas, handler)), Merged(LayersOf(to, canvas, handler)));
      if (Signature(own) != of_canvas) comparison.Add("canvas " + canvas + ", " + handler, own);
    }
  }
  return comparison.Found();
}

}  // namespace nightjar::policy
