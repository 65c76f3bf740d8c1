#include "policies/policy_layers.h"

namespace nightjar::policy {

LayerStack LayersOf(const PolicyLayers& layers, std::string_view canvas, std::string_view handler) {
  LayerStack stack{&layers.defaults};
  auto named = layers.canvases.find(canvas);
  if (named == layers.canvases.end()) return stack;
  const CanvasLayers& own = named->second;
  if (!own.plan.empty()) stack[1] = &layers.plans.find(own.plan)->second;
  stack[2] = &own.own;
  auto special = own.handlers.find(handler);
  if (special != own.handlers.end()) stack[3] = &special->second;
  return stack;
}

LayerStack LayersOfPlan(const PolicyLayers& layers, std::string_view plan) {
  LayerStack stack{&layers.defaults};
  auto named = layers.plans.find(plan);
  if (named != layers.plans.end()) stack[1] = &named->second;
  return stack;
}

Limits Merged(const LayerStack& stack) {
  Limits limits;
  for (const Layer* layer : stack) {
    if (layer == nullptr) continue;
    for (const Setting& setting : *layer) setting.key->Set(limits, setting.value, setting.origin);
  }
  return limits;
}

}  // namespace nightjar::policy
