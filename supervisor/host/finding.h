// What is said of one check of `nightjar doctor`, and how a trial reads. Of this room alone. Pure.
#pragma once

#include <string>
#include <string_view>

#include "supervisor/host/host_facts.h"

namespace nightjar {

// `fix` is for the state that is not ok.
struct Finding {
  const char* name;
  proto::DoctorState state;
  std::string found;
  std::string means;
  std::string fix;
};

void Add(proto::DoctorAnswer& answer, Finding finding);

std::string Said(const Trial& trial, std::string_view good);
proto::DoctorState StateOf(const Trial& trial,
                           proto::DoctorState otherwise = proto::DOCTOR_MISSING);

inline constexpr char kNewerKernel[] = "boot a kernel of 5.14 or newer; Debian 12 has 6.1";

// Control groups: what of a run and of a canvas they bound, kill and count.
void JudgeCgroups(const HostFacts& facts, proto::DoctorAnswer& answer);

}  // namespace nightjar
