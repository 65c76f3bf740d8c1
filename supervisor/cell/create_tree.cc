#include "supervisor/cell/kernel_tree.h"
#include "supervisor/cell/process_tree.h"
#include "supervisor/cell/tree_base.h"

namespace nightjar {

Result<std::unique_ptr<CellTree>> CellTree::Create(const Options& options) {
  NJ_ASSIGN(TreeBase base, FindTreeBase());
  if (base.hierarchies.none()) return std::make_unique<ProcessTree>();
  NJ_ASSIGN(TopGroup top, OpenTopGroup(options, base));
  return std::make_unique<KernelTree>(std::move(top));
}

}  // namespace nightjar
