#include "supervisor/cli/patches_in_force.h"

#include "supervisor/cli/printable.h"

namespace nightjar::cli {

std::map<uint64_t, int> PatchesInForce(const proto::TraceDocument& base) {
  std::map<uint64_t, int> newest;
  for (int i = 0; i < base.patches_size(); ++i) {
    const proto::PatchOf& patch = base.patches(i).row().patch();
    if (patch.call() > 0) newest[patch.call_id()] = i;
  }
  return newest;
}

std::string PatchTitle(const proto::PatchOf& patch, int number) {
  std::string text = "Patch " + std::to_string(number) + ": ";
  if (patch.call() == 0) return text + Printable(patch.function()) + " with other arguments";
  return text + "call " + std::to_string(patch.call()) + " of " + Printable(patch.function());
}

}  // namespace nightjar::cli
