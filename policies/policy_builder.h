// Turns the tree of a policy file into layers of settings, and says everything that is wrong with
// it. Pure.
//
// It does not decide who gets what: that is Policy::For().
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "policies/policy.h"
#include "policies/setting.h"
#include "policies/toml_reader.h"

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
};

// With errors the layers are incomplete and not to be used.
PolicyLayers BuildLayers(const TomlNode& file, std::vector<PolicyError>* errors);

}  // namespace nightjar::policy
