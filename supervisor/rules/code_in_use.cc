#include "supervisor/rules/code_in_use.h"

#include <algorithm>
#include <vector>

namespace nightjar {
namespace {

std::string CodeOf(const Revision& revision) {
  std::vector<uint64_t> hashes;
  for (const proto::HandlerEntry& handler : revision.manifest.handlers())
    if (handler.code_hash() != 0) hashes.push_back(handler.code_hash());
  std::sort(hashes.begin(), hashes.end());
  return {reinterpret_cast<const char*>(hashes.data()), hashes.size() * sizeof(uint64_t)};
}

}  // namespace

void CodeInUse::Used(const Revision& revision, std::chrono::sys_seconds at) {
  Use& use = uses_[revision.canvas];
  use.last = at;
  if (use.number == revision.number) return;
  Drop(use.code);
  use.number = revision.number;
  use.code = CodeOf(revision);
  if (!use.code.empty()) ++canvases_of_[use.code];
}

void CodeInUse::Forget(std::chrono::sys_seconds now) {
  std::erase_if(uses_, [&](const auto& each) {
    if (each.second.last + kInUse > now) return false;
    Drop(each.second.code);
    return true;
  });
}

uint64_t CodeInUse::CanvasesLike(const std::string& canvas) const {
  auto use = uses_.find(canvas);
  if (use == uses_.end()) return 0;
  auto count = canvases_of_.find(use->second.code);
  return count == canvases_of_.end() ? 0 : count->second;
}

void CodeInUse::Drop(const std::string& code) {
  auto count = canvases_of_.find(code);
  if (count != canvases_of_.end() && --count->second == 0) canvases_of_.erase(count);
}

}  // namespace nightjar
