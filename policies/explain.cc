#include "policies/explain.h"

#include <string>

namespace nightjar::policy {

std::vector<LimitSaid> Explain(const PolicyLayers& layers, std::string_view canvas,
                               std::string_view handler) {
  const LayerStack stack = LayersOf(layers, canvas, handler);
  std::vector<LimitSaid> all;
  for (const LimitKey& key : LimitKeys()) {
    LimitSaid& said = all.emplace_back();
    said.push_back(key.TextIn(Limits()));
    for (const Layer* layer : stack) {
      if (layer == nullptr) continue;
      for (const Setting& setting : *layer)
        if (setting.key == &key)
          said.push_back(
              {std::string(key.name), FormatLimit(key.kind, setting.value), setting.origin});
    }
  }
  return all;
}

}  // namespace nightjar::policy
