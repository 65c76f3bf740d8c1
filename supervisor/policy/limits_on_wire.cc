#include "supervisor/policy/limits_on_wire.h"

#include "policies/explain.h"

namespace nightjar {

proto::LimitInForce LimitOnWire(const policy::LimitText& limit) {
  proto::LimitInForce out;
  out.set_name(limit.name);
  out.set_value(limit.value);
  out.set_source(limit.origin.source);
  out.set_layer(limit.origin.layer);
  return out;
}

std::vector<proto::LimitInForce> LimitsInForce(const policy::Limits& limits) {
  std::vector<proto::LimitInForce> out;
  for (const policy::LimitText& limit : policy::Describe(limits)) out.push_back(LimitOnWire(limit));
  return out;
}

proto::LimitsAnswer LimitsOf(const policy::Policy& policy, const std::string& canvas,
                             const std::string& handler, Explained explained) {
  proto::LimitsAnswer answer;
  answer.set_canvas(canvas);
  answer.set_handler(handler);
  for (proto::LimitInForce& limit : LimitsInForce(policy.For(canvas, handler)))
    *answer.add_limits() = std::move(limit);
  answer.set_policy_version(policy.layers().version);
  if (explained == Explained::kNo) return answer;
  int index = 0;
  for (const policy::LimitSaid& said : policy::Explain(policy.layers(), canvas, handler)) {
    proto::LimitExplained& out = *answer.add_explained();
    for (const policy::LimitText& limit : said) *out.add_said() = LimitOnWire(limit);
    // What a control says is laid over all that the policy does.
    const proto::LimitInForce& in_force = answer.limits(index++);
    if (in_force.source() != said.back().origin.source) *out.add_said() = in_force;
  }
  return answer;
}

}  // namespace nightjar
