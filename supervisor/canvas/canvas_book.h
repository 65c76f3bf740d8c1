// The revisions in force: which program answers for which canvas, now. Loop thread only.
#pragma once

#include <map>

#include "ipc/core/bounds.h"
#include "supervisor/canvas/revision.h"

namespace nightjar {

class CanvasBook {
 public:
  // Null when the canvas does not exist.
  RevisionPtr Find(const std::string& canvas) const;
  // From the next request on. kExhausted past bounds::kCanvases; kInvalid for a revision that is
  // not newer.
  Status Publish(RevisionPtr revision);
  const std::map<std::string, RevisionPtr>& all() const { return canvases_; }

 private:
  std::map<std::string, RevisionPtr> canvases_;
};

}  // namespace nightjar
