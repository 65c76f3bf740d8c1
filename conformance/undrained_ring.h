// A recorder over a ring of its own that nobody drains: what does not fit is dropped. One thread.
#pragma once

#include <memory>
#include <utility>

#include "ipc/core/fd.h"
#include "ipc/ring/producer.h"
#include "worker/trace/recorder.h"

namespace nightjar::conformance {

class UndrainedRing {
 public:
  static Result<std::unique_ptr<UndrainedRing>> Create() {
    NJ_ASSIGN(Fd fd, CreateSizedMemfd("nightjar-conformance", RingBytes()));
    NJ_ASSIGN(Mapping mapping, Mapping::Create(fd, RingBytes(), Mapping::Access::kReadWrite));
    return std::unique_ptr<UndrainedRing>(new UndrainedRing(std::move(mapping)));
  }

  Recorder& recorder() { return recorder_; }

 private:
  explicit UndrainedRing(Mapping mapping)
      : mapping_(std::move(mapping)), producer_(mapping_.bytes()), recorder_(&producer_) {}

  Mapping mapping_;
  RingProducer producer_;
  Recorder recorder_;
};

}  // namespace nightjar::conformance
