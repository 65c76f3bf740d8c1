#include "supervisor/cell/give_back.h"

#include <algorithm>

#include "supervisor/cell/cell_counters.h"

namespace nightjar {
namespace {

// Lowering the limit below what is charged has the kernel reclaim the difference at once. In v2
// memory.high, as memory.max would go on to kill.
struct Files {
  const char* charged;
  const char* limit;
};
constexpr Files kV2{"/memory.current", "/memory.high"};
constexpr Files kV1{"/memory.usage_in_bytes", "/memory.limit_in_bytes"};

}  // namespace

bool GiveBackMemory(int parent, const std::string& name, uint64_t bytes) {
  for (const Files& files : {kV2, kV1}) {
    auto before = ReadFileAt(parent, (name + files.charged).c_str());
    if (!before) continue;
    uint64_t charged = CounterIn(*before, "");
    if (charged == 0) return true;
    uint64_t target = charged - std::min(charged, bytes);
    // Refused in v1 where not all of it can go; what can is gone by then.
    (void)WriteFileAt(parent, (name + files.limit).c_str(), std::to_string(target));
    auto after = ReadFileAt(parent, (name + files.charged).c_str());
    return !after || target == 0 || CounterIn(*after, "") > target;
  }
  return true;
}

}  // namespace nightjar
