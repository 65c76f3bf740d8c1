#include "worker/exec/output_log.h"

#include "ipc/core/bounds.h"
#include "worker/lang/secret_mask.h"

namespace nightjar {

void OutputLog::Add(std::string_view bytes) {
  while (!bytes.empty()) {
    std::string_view some = bytes.substr(0, bounds::kTraceValueBytes);
    bytes.remove_prefix(some.size());
    pending_ += some;
    std::string room;
    pending_ = std::string(lang::SecretMask::Apply(pending_, &room));
    // A secret whose end has not come yet begins in what is kept.
    size_t kept =
        std::min(pending_.size(),
                 lang::SecretMask::longest() == 0 ? size_t{0} : lang::SecretMask::longest() - 1);
    size_t line_end = pending_.substr(0, pending_.size() - kept).rfind('\n');
    if (line_end != std::string::npos)
      Write(line_end + 1);
    else if (pending_.size() - kept >= bounds::kTraceValueBytes)
      Write(pending_.size() - kept);
  }
}

void OutputLog::Finish() {
  Write(pending_.size());
}

void OutputLog::Write(size_t bytes) {
  for (size_t from = 0; from < bytes; from += bounds::kTraceValueBytes)
    recorder_.Output(stream_, std::string_view(pending_).substr(
                                  from, std::min(bytes - from, bounds::kTraceValueBytes)));
  pending_.erase(0, bytes);
}

}  // namespace nightjar
