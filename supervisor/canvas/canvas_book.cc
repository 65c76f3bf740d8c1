#include "supervisor/canvas/canvas_book.h"

namespace nightjar {

RevisionPtr CanvasBook::Find(const std::string& canvas) const {
  auto at = canvases_.find(canvas);
  return at == canvases_.end() ? nullptr : at->second;
}

Status CanvasBook::Publish(RevisionPtr revision) {
  auto at = canvases_.find(revision->canvas);
  if (at != canvases_.end()) {
    if (revision->number <= at->second->number)
      return Fail(ErrorCode::kInvalid, "a newer revision is in force already");
    at->second = std::move(revision);
    return {};
  }
  if (canvases_.size() >= bounds::kCanvases)
    return Fail(ErrorCode::kExhausted, "this supervisor holds as many canvases as it can");
  canvases_.emplace(revision->canvas, std::move(revision));
  return {};
}

}  // namespace nightjar
