// What a policy says, layer by layer, before it is merged into anybody's limits. Values; pure.
//
// Made by policy_builder, merged by Policy::For(), and looked through by whoever explains, compares
// or judges policies.
#pragma once

#include <array>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "policies/policy.h"
#include "policies/setting.h"

namespace nightjar::policy {

using Layer = std::vector<Setting>;

struct CanvasLayers {
  std::string plan;  // empty: none
  Layer own;
  std::map<std::string, Layer, std::less<>> handlers;
};

struct PolicyLayers {
  Layer defaults;
  std::map<std::string, Layer, std::less<>> plans;
  std::map<std::string, CanvasLayers, std::less<>> canvases;
  std::map<std::string, std::string, std::less<>> domains;  // to the canvas that has them
  std::string version = "built-in";                         // policy_version.h
  // Nothing that is wrong, but likely not what was meant.
  std::vector<PolicyError> warnings;
};

// The layers that speak of a handler, or of a canvas where it is empty: later ones win, null ones
// are not there.
using LayerStack = std::array<const Layer*, 4>;
LayerStack LayersOf(const PolicyLayers& layers, std::string_view canvas, std::string_view handler);
// Of a canvas that has this plan and nothing of its own.
LayerStack LayersOfPlan(const PolicyLayers& layers, std::string_view plan);
Limits Merged(const LayerStack& stack);

// Calls `each` with every layer of the policy: defaults, plans, canvases, each with its handlers.
template <typename Each>
void EachLayer(const PolicyLayers& layers, Each each) {
  each(layers.defaults);
  for (const auto& [name, plan] : layers.plans) each(plan);
  for (const auto& [name, canvas] : layers.canvases) {
    each(canvas.own);
    for (const auto& [handler, layer] : canvas.handlers) each(layer);
  }
}

}  // namespace nightjar::policy
