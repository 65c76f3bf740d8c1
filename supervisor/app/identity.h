// The user ids that Nightjar's processes run as, and how a process becomes one of them for good.
//
// Ids come from one range that no account uses, so nothing has to be created on the host: base+0
// the supervisor and the zygote, base+1 the writer, from base+16 one for each live worker. The
// default lies in 1879048192..2147483647, which no distribution or container manager hands out
// (systemd's "Users, Groups, UIDs and GIDs" lists it as unused). In a user namespace the range
// follows the namespace's root, whose ids are nobody else's anyway.
#pragma once

#include <cstdint>

#include "ipc/core/bounds.h"
#include "ipc/core/result.h"

namespace nightjar {

struct Identity {
  static constexpr uint32_t kDefaultBase = 2'120'876'032;
  static constexpr uint32_t kLowestBase = 100'000;
  static constexpr uint32_t kHighestBase = 4'000'000'000;
  static constexpr uint32_t kWorkersFrom = 16;
  static constexpr uint32_t kBaseInNamespace = 1;
  // Ids of a user namespace, its root included.
  static constexpr uint32_t kIdsInNamespace = kBaseInNamespace + kWorkersFrom + bounds::kWorkers;

  explicit Identity(uint32_t base = kDefaultBase)
      : supervisor(base), writer(base + 1), first_worker(base + kWorkersFrom) {}

  uint32_t supervisor;
  uint32_t writer;
  uint32_t first_worker;  // bounds::kWorkers of them
};
static_assert(Identity::kHighestBase < UINT32_MAX - Identity::kWorkersFrom - bounds::kWorkers - 1);

}  // namespace nightjar
