// Turns the trees of policy files into layers of settings, and says everything that is wrong with
// them. Pure.
//
// It does not decide who gets what: that is Policy::For(). What settings say of each other is
// judged by policies/contradictions.
#pragma once

#include <memory>
#include <vector>

#include "policies/policy_layers.h"
#include "policies/toml_reader.h"

namespace nightjar::policy {

class PolicyBuilder {
 public:
  explicit PolicyBuilder(std::vector<PolicyError>* errors);
  ~PolicyBuilder();

  // `file` is only borrowed for the call.
  void Add(const PolicyFile& file, const TomlNode& tree);
  // With errors the layers are incomplete and not to be used.
  PolicyLayers Finish();

 private:
  class Work;
  std::unique_ptr<Work> work_;
};

}  // namespace nightjar::policy
