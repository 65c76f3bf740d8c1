#include "supervisor/pool/uid_range.h"

namespace nightjar {

UidRange::UidRange(uint32_t first, uint32_t count) {
  for (uint32_t i = 0; i < count; ++i) free_.push_back(first + i);
}

std::optional<uint32_t> UidRange::Take() {
  if (free_.empty()) return std::nullopt;
  uint32_t uid = free_.front();
  free_.pop_front();
  return uid;
}

void UidRange::GiveBack(uint32_t uid) {
  free_.push_back(uid);
}

}  // namespace nightjar
