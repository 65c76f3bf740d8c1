#include "policies/contradictions.h"

#include <algorithm>
#include <string>

#include "ipc/core/check.h"
#include "policies/policy_errors.h"
#include "policies/units.h"

namespace nightjar::policy {
namespace {

LimitText TextOf(std::string_view name, const Limits& limits) {
  const LimitKey* key = FindLimitKey(name);
  CHECK(key != nullptr);
  return key->TextIn(limits);
}

// "memory = 1GiB (policy.toml:2)"
std::string Said(std::string_view name, const Limits& limits) {
  LimitText text = TextOf(name, limits);
  return text.name + " = " + text.value + " (" + text.origin.source + ")";
}

std::string MoreThanItsCanvas(std::string_view run, std::string_view canvas, const Limits& limits) {
  if (FindLimitKey(run)->ValueIn(limits) <= FindLimitKey(canvas)->ValueIn(limits)) return "";
  return Said(run, limits) + " of one run is more than " + Said(canvas, limits) +
         " of its whole canvas";
}

// Where the limits of one run are larger than those of its whole canvas, the canvas's would always
// strike first and the explanation of a kill would be wrong.
std::string Memory(const Limits& limits) {
  return MoreThanItsCanvas("memory", "canvas_memory", limits);
}

std::string Pids(const Limits& limits) {
  return MoreThanItsCanvas("pids", "canvas_pids", limits);
}

std::string BurstBelowRate(const Limits& limits) {
  auto burst = static_cast<double>(limits.burst.value);
  if (burst == 0 || limits.rate_per_s.value == 0 || burst >= limits.rate_per_s.value) return "";
  return Said("burst", limits) + " is less than " + Said("rate", limits) + " lets in in one second";
}

std::string BurstOfNothing(const Limits& limits) {
  if (limits.burst.value == 0 || limits.rate_per_s.value != 0) return "";
  return Said("burst", limits) + " bounds nothing without a `rate`";
}

std::string UnreachableCpu(const Limits& limits) {
  auto busy = static_cast<double>(limits.pids.value);
  std::string_view by = "pids";
  if (limits.canvas_cpus.value > 0 && limits.canvas_cpus.value < busy) {
    busy = limits.canvas_cpus.value;
    by = "canvas_cpus";
  }
  auto most = Micros(static_cast<int64_t>(static_cast<double>(limits.wall.value.count()) * busy));
  if (limits.cpu.value <= most) return "";
  return Said("cpu", limits) + " is never reached: within " + Said("wall", limits) + " and " +
         Said(by, limits) + " a run can use " + FormatDuration(most);
}

std::string LateSoftStop(const Limits& limits) {
  if (limits.soft_stop.value < limits.wall.value) return "";
  return Said("soft_stop", limits) + " is not less than " + Said("wall", limits) +
         ": a run is asked to stop after nine tenths of its time";
}

std::string LargeTmp(const Limits& limits) {
  if (!limits.exec.value || limits.tmp_bytes.value <= limits.memory_bytes.value) return "";
  return Said("tmp", limits) + " is never full: it counts as memory, and " +
         Said("memory", limits) + " is less";
}

struct Rule {
  std::vector<std::string_view> limits;  // that take part
  bool wrong;                            // else only useless
  std::string (*what)(const Limits&);    // empty: all is well
};

const std::vector<Rule>& Rules() {
  static const std::vector<Rule> rules = {
      {{"memory", "canvas_memory"}, true, Memory},
      {{"pids", "canvas_pids"}, true, Pids},
      {{"burst", "rate"}, true, BurstBelowRate},
      {{"burst", "rate"}, false, BurstOfNothing},
      {{"cpu", "wall", "pids", "canvas_cpus"}, false, UnreachableCpu},
      {{"soft_stop", "wall"}, false, LateSoftStop},
      {{"tmp", "memory", "exec"}, false, LargeTmp},
  };
  return rules;
}

PolicyError At(const Setting& setting, std::string message) {
  return {setting.line, setting.column, std::move(message), setting.file};
}

// A mistake of layers below is told there: here nothing takes part in it.
void Judge(const Layer& layer, const LayerStack& stack, std::vector<PolicyError>* errors,
           std::vector<PolicyError>* warnings) {
  if (layer.empty()) return;
  Limits limits = Merged(stack);
  for (const Rule& rule : Rules()) {
    const Setting* culprit = nullptr;
    for (const Setting& setting : layer)
      if (std::count(rule.limits.begin(), rule.limits.end(), setting.key->name) > 0)
        culprit = &setting;
    if (culprit == nullptr) continue;
    if (std::string what = rule.what(limits); !what.empty())
      (rule.wrong ? errors : warnings)->push_back(At(*culprit, std::move(what)));
  }
}

std::string Beyond(const Setting& setting, const Machine& machine) {
  std::string_view name = setting.key->name;
  bool memory = name == "memory" || name == "canvas_memory";
  bool pids = name == "pids" || name == "canvas_pids";
  if (!memory && !pids && name != "canvas_cpus") return "";
  std::string what =
      std::string(name) + " = " + FormatLimit(setting.key->kind, setting.value) + " is more than ";
  if (name == "canvas_cpus")
    return machine.processors > 0 &&
                   std::get<double>(setting.value) > static_cast<double>(machine.processors)
               ? what + "this machine's processors, " + std::to_string(machine.processors)
               : "";
  uint64_t there = memory ? machine.memory_bytes : machine.pids;
  if (there == 0 || std::get<uint64_t>(setting.value) <= there) return "";
  return what + (memory ? "this machine's memory, " + FormatSize(there)
                        : "processes that this machine can have, " + std::to_string(there));
}

}  // namespace

void FindContradictions(PolicyLayers* layers, std::vector<PolicyError>* errors) {
  std::vector<PolicyError> warnings;
  auto judge = [&](const Layer& layer, const LayerStack& stack) {
    Judge(layer, stack, errors, &warnings);
  };
  judge(layers->defaults, {&layers->defaults});
  for (const auto& [plan, layer] : layers->plans) judge(layer, LayersOfPlan(*layers, plan));
  for (const auto& [name, canvas] : layers->canvases) {
    judge(canvas.own, LayersOf(*layers, name, ""));
    for (const auto& [handler, layer] : canvas.handlers)
      judge(layer, LayersOf(*layers, name, handler));
  }
  SortAndCut(&warnings);
  layers->warnings = std::move(warnings);
}

std::vector<PolicyError> BeyondMachine(const PolicyLayers& layers, const Machine& machine) {
  std::vector<PolicyError> found;
  EachLayer(layers, [&](const Layer& layer) {
    for (const Setting& setting : layer)
      if (std::string what = Beyond(setting, machine); !what.empty())
        found.push_back(At(setting, std::move(what)));
  });
  SortAndCut(&found);
  return found;
}

}  // namespace nightjar::policy
