#include "supervisor/host/probe.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "supervisor/host/host_facts.h"

namespace nightjar {
namespace {

// A limit that is not enforced is the operator's to accept. Without the rest no run can be started,
// sealed or ended, and no flag helps.
constexpr std::array<std::string_view, 4> kOptional = {"memory", "pids", "cpu", "cpu-time"};

bool IsOptional(std::string_view name) {
  return std::find(kOptional.begin(), kOptional.end(), name) != kOptional.end();
}

void Append(std::string& list, std::string_view separator, const std::string& item) {
  if (!list.empty()) list += separator;
  list += item;
}

Status CheckNames(const proto::DoctorAnswer& answer, std::span<const std::string> without) {
  for (const std::string& name : without) {
    bool known = std::any_of(answer.checks().begin(), answer.checks().end(),
                             [&](const proto::DoctorCheck& check) { return check.name() == name; });
    if (!known)
      return Fail(ErrorCode::kInvalid,
                  "--without " + name + ": no check has this name; `nightjar doctor` lists them");
    if (!IsOptional(name))
      return Fail(ErrorCode::kUnsupported,
                  "--without " + name +
                      ": nothing runs without it; only memory, pids, cpu and cpu-time can be gone "
                      "without");
  }
  return {};
}

}  // namespace

proto::DoctorAnswer Probe(const Privilege& privilege) {
  return Judge(GatherHostFacts(privilege));
}

Status Require(const proto::DoctorAnswer& answer, std::span<const std::string> without) {
  NJ_TRY(CheckNames(answer, without));
  std::string fatal, waivable, flags;
  for (const proto::DoctorCheck& check : answer.checks()) {
    if (check.state() != proto::DOCTOR_MISSING) continue;
    if (std::find(without.begin(), without.end(), check.name()) != without.end()) continue;
    std::string item = check.name() + " (" + check.found() + ")";
    if (!IsOptional(check.name())) {
      Append(fatal, ", ", item + ": " + check.fix());
      continue;
    }
    Append(waivable, ", ", item);
    Append(flags, " ", "--without " + check.name());
  }
  if (!fatal.empty()) return Fail(ErrorCode::kUnsupported, "this host lacks " + fatal);
  if (waivable.empty()) return {};
  return Fail(ErrorCode::kUnsupported,
              "this host cannot enforce " + waivable +
                  "; `nightjar doctor` says what to do, or serve unprotected with " + flags);
}

}  // namespace nightjar
