#include "worker/exec/output_log.h"

#include "ipc/core/bounds.h"
#include "worker/lang/secret_mask.h"

namespace nightjar {

void OutputLog::Add(std::string_view bytes) {
  while (!bytes.empty()) {
    std::string_view some = bytes.substr(0, bounds::kTraceValueBytes);
    bytes.remove_prefix(some.size());
    pending_ += some;
    // A secret whose end has not come yet begins in what is kept.
    size_t ready = pending_.size() - lang::SecretMask::mask().BegunAtEnd(pending_);
    size_t line_end = std::string_view(pending_).substr(0, ready).rfind('\n');
    if (line_end != std::string::npos)
      Write(line_end + 1);
    else if (ready >= bounds::kTraceValueBytes)
      Write(ready);
  }
}

void OutputLog::Finish() {
  Write(pending_.size());
}

void OutputLog::Write(size_t bytes) {
  std::string shown;
  hidden_ = lang::SecretMask::mask().Show(pending_, bytes, hidden_, &shown);
  for (size_t from = 0; from < shown.size(); from += bounds::kTraceValueBytes)
    recorder_.Output(stream_, std::string_view(shown).substr(from, bounds::kTraceValueBytes));
  pending_.erase(0, bytes);
}

}  // namespace nightjar
