#include "policies/policy.h"

#include <algorithm>

#include "ipc/core/bounds.h"
#include "policies/policy_builder.h"
#include "policies/policy_errors.h"

namespace nightjar::policy {
namespace {

class LayeredPolicy final : public Policy {
 public:
  LayeredPolicy(PolicyLayers layers, std::string file_name)
      : layers_(std::move(layers)), file_name_(std::move(file_name)) {}

  // Settings are applied at each question: a file with 100,000 canvases then costs its settings,
  // not 100,000 sets of limits.
  Limits For(std::string_view canvas, std::string_view handler) const override {
    Limits limits;
    Apply(layers_.defaults, "default", &limits);
    auto named = layers_.canvases.find(canvas);
    if (named == layers_.canvases.end()) return limits;
    const CanvasLayers& own = named->second;
    if (!own.plan.empty()) Apply(layers_.plans.find(own.plan)->second, "plan " + own.plan, &limits);
    Apply(own.own, "canvas " + named->first, &limits);
    auto special = own.handlers.find(handler);
    if (special != own.handlers.end()) Apply(special->second, "handler " + special->first, &limits);
    return limits;
  }

  // Where the limits of one run are larger than those of its whole canvas, the canvas's would
  // always strike first and the explanation of a kill would be wrong.
  void CheckSums(std::vector<PolicyError>* errors) const {
    CheckSumsOf(layers_.defaults, For("", ""), errors);
    for (const auto& [plan, layer] : layers_.plans) {
      Limits limits;
      Apply(layers_.defaults, "default", &limits);
      Apply(layer, "plan " + plan, &limits);
      CheckSumsOf(layer, limits, errors);
    }
    for (const auto& [name, canvas] : layers_.canvases) {
      CheckSumsOf(canvas.own, For(name, ""), errors);
      for (const auto& [handler, layer] : canvas.handlers)
        CheckSumsOf(layer, For(name, handler), errors);
    }
  }

  bool LetsProgramsRun() const override {
    return AnySets([](const Setting& setting) {
      return setting.key->name == "exec" && std::get<bool>(setting.value);
    });
  }

  bool LimitsDiskReads() const override {
    return AnySets([](const Setting& setting) {
      return setting.key->name == "canvas_disk_read" && std::get<uint64_t>(setting.value) != 0;
    });
  }

  std::string CanvasOfDomain(std::string_view domain) const override {
    auto found = layers_.domains.find(domain);
    return found == layers_.domains.end() ? "" : found->second;
  }

 private:
  // Of the layers that may set a limit of a canvas.
  template <typename Wanted>
  bool AnySets(Wanted wanted) const {
    auto in = [&](const Layer& layer) { return std::any_of(layer.begin(), layer.end(), wanted); };
    return in(layers_.defaults) ||
           std::any_of(layers_.plans.begin(), layers_.plans.end(),
                       [&](const auto& plan) { return in(plan.second); }) ||
           std::any_of(layers_.canvases.begin(), layers_.canvases.end(),
                       [&](const auto& canvas) { return in(canvas.second.own); });
  }

  void Apply(const Layer& layer, const std::string& name, Limits* limits) const {
    for (const Setting& setting : layer)
      setting.key->Set(*limits, setting.value,
                       {file_name_ + ":" + std::to_string(setting.line), name});
  }

  // Complains at the setting of `layer` that takes part, so that each mistake is told once, where
  // it was made.
  static void CheckSumsOf(const Layer& layer, const Limits& limits,
                          std::vector<PolicyError>* errors) {
    static constexpr std::pair<std::string_view, std::string_view> kPairs[] = {
        {"memory", "canvas_memory"}, {"pids", "canvas_pids"}};
    for (const auto& [run, canvas] : kPairs) {
      const LimitKey* small = FindLimitKey(run);
      const LimitKey* large = FindLimitKey(canvas);
      if (small->ValueIn(limits) <= large->ValueIn(limits)) continue;
      const Setting* culprit = nullptr;
      for (const Setting& setting : layer)
        if (setting.key == small || setting.key == large) culprit = &setting;
      if (culprit == nullptr) continue;
      LimitText of_run = small->TextIn(limits);
      LimitText of_canvas = large->TextIn(limits);
      errors->push_back({culprit->line, culprit->column,
                         of_run.name + " = " + of_run.value + " (" + of_run.origin.source +
                             ") of one run is more than " + of_canvas.name + " = " +
                             of_canvas.value + " (" + of_canvas.origin.source +
                             ") of its whole canvas"});
    }
  }

  PolicyLayers layers_;
  std::string file_name_;
};

}  // namespace

std::shared_ptr<const Policy> Policy::BuiltIn() {
  return std::make_shared<LayeredPolicy>(PolicyLayers{}, "");
}

std::shared_ptr<const Policy> Policy::Parse(std::string_view text, std::string_view file_name,
                                            std::vector<PolicyError>* errors) {
  std::vector<PolicyError> found;
  std::shared_ptr<const LayeredPolicy> policy;
  if (text.size() > bounds::kPolicyBytes) {
    found.push_back(
        {1, 1, "a policy file is at most " + std::to_string(bounds::kPolicyBytes) + " bytes"});
  } else {
    PolicyLayers layers = BuildLayers(ReadToml(text, &found), &found);
    if (found.empty()) {
      policy = std::make_shared<LayeredPolicy>(std::move(layers), std::string(file_name));
      policy->CheckSums(&found);
    }
  }
  if (found.empty()) return policy;
  SortAndCut(&found);
  errors->insert(errors->end(), found.begin(), found.end());
  return nullptr;
}

}  // namespace nightjar::policy
