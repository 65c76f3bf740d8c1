// A policy that says the same limits of every canvas and handler; of a handler's, `wall` says whose
// it is.
#pragma once

#include <string>

#include "policies/policy_layers.h"

namespace nightjar::testing {

class OnePolicy final : public policy::Policy {
 public:
  // `limits` stays the test's, which may change them.
  explicit OnePolicy(const policy::Limits& limits) : limits_(limits) {}
  policy::Limits For(std::string_view, std::string_view handler) const override {
    policy::Limits limits = limits_;
    if (!handler.empty()) limits.wall.origin.layer = "handler " + std::string(handler);
    return limits;
  }
  bool LetsProgramsRun() const override { return limits_.exec.value; }
  bool LimitsDiskReads() const override { return limits_.canvas_disk_read_bytes.value != 0; }
  std::string CanvasOfDomain(std::string_view) const override { return {}; }
  const policy::PolicyLayers& layers() const override { return layers_; }

 private:
  const policy::Limits& limits_;
  policy::PolicyLayers layers_;
};

}  // namespace nightjar::testing
