// The user ids that live workers have, one each, so that no worker can touch another even inside
// the kernel's own checks.
//
// An id comes back only after its worker is proven gone; one whose worker does not die is never
// handed out again. Loop thread only.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

namespace nightjar {

class UidRange {
 public:
  UidRange(uint32_t first, uint32_t count);

  // The one that was free for the longest; nullopt when all are in use.
  std::optional<uint32_t> Take();
  void GiveBack(uint32_t uid);
  size_t free() const { return free_.size(); }

 private:
  std::deque<uint32_t> free_;
};

}  // namespace nightjar
