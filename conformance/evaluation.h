// Evaluates a program's handlers one after the other, traced like any run.
//
// What they return stays valid until the next program. One thread, the one that it was made on.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "conformance/undrained_ring.h"
#include "ipc/proto/program.pb.h"
#include "worker/lang/code.h"

namespace nightjar::conformance {

class Evaluation {
 public:
  explicit Evaluation(const lang::Library& library);
  ~Evaluation();

  Status Load(const proto::Program& program);
  // Of the handler with this tlid. kExhausted: it ran into a limit.
  Result<lang::Dval> Run(uint64_t tlid);
  // Faults of the library since Load().
  uint64_t faults() const { return faults_; }

 private:
  const lang::Library& library_;
  const std::unique_ptr<UndrainedRing> ring_;
  std::unique_ptr<lang::Code> code_;
  lang::Arena arena_;
  uint64_t faults_ = 0;
};

}  // namespace nightjar::conformance
