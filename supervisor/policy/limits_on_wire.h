// Limits, and how they came about, as the control plane and incidents say them. Pure.
#pragma once

#include <string>
#include <vector>

#include "ipc/proto/control.pb.h"
#include "policies/policy.h"

namespace nightjar {

proto::LimitInForce LimitOnWire(const policy::LimitText& limit);
// Every limit with its source.
std::vector<proto::LimitInForce> LimitsInForce(const policy::Limits& limits);

enum class Explained { kNo, kYes };
// What holds for a canvas or one of its handlers, and by which policy; its load is the caller's.
proto::LimitsAnswer LimitsOf(const policy::Policy& policy, const std::string& canvas,
                             const std::string& handler, Explained explained);

}  // namespace nightjar
