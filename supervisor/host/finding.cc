#include "supervisor/host/finding.h"

#include <cstring>

namespace nightjar {

void Add(proto::DoctorAnswer& answer, Finding finding) {
  proto::DoctorCheck& check = *answer.add_checks();
  check.set_name(finding.name);
  check.set_state(finding.state);
  check.set_found(std::move(finding.found));
  check.set_means(std::move(finding.means));
  if (finding.state != proto::DOCTOR_OK) check.set_fix(std::move(finding.fix));
}

std::string Said(const Trial& trial, std::string_view good) {
  if (trial.works()) return std::string(good);
  if (trial.untried()) return "not tried: needs root";
  return std::string("refused: ") + strerror(trial.error);
}

proto::DoctorState StateOf(const Trial& trial, proto::DoctorState otherwise) {
  if (trial.works()) return proto::DOCTOR_OK;
  return trial.untried() ? proto::DOCTOR_DEGRADED : otherwise;
}

}  // namespace nightjar
