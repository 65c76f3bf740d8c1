// Policy with the controls in force on top of it: a suspension and what was tightened are limits,
// each with its own origin, so that whoever asks for limits or explains one needs to know of no
// control. Loop thread only, as the book is.
#pragma once

#include <memory>
#include <utility>

#include "policies/policy.h"
#include "supervisor/controls/control_book.h"

namespace nightjar {

class ControlledPolicy final : public policy::Policy {
 public:
  // `book` outlives it.
  ControlledPolicy(std::shared_ptr<const policy::Policy> policy, const ControlBook& book)
      : policy_(std::move(policy)), book_(book) {}

  policy::Limits For(std::string_view canvas, std::string_view handler) const override {
    policy::Limits limits = policy_->For(canvas, handler);
    book_.Apply(canvas, handler, &limits);
    return limits;
  }
  bool LetsProgramsRun() const override { return policy_->LetsProgramsRun(); }
  bool LimitsDiskReads() const override { return policy_->LimitsDiskReads(); }
  std::string CanvasOfDomain(std::string_view domain) const override {
    return policy_->CanvasOfDomain(domain);
  }
  const policy::PolicyLayers& layers() const override { return policy_->layers(); }

 private:
  std::shared_ptr<const policy::Policy> policy_;
  const ControlBook& book_;
};

}  // namespace nightjar
