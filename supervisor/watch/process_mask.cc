#include "supervisor/watch/process_mask.h"

#include <string>

#include "ipc/core/bounds.h"

namespace nightjar {
namespace {

constexpr size_t kLongestCharacter = 4;

// A text of the kernel's may be cut at its end, in the middle of what must not be shown.
std::string Masked(const TextMask& hidden, const std::string& text) {
  std::string room;
  std::string masked(hidden.Apply(text, &room));
  masked.resize(masked.size() - hidden.BegunAtEnd(masked));
  return masked;
}

void MaskProcess(const TextMask& hidden, proto::ProcessSeen* process) {
  bool cut = process->command().size() + kLongestCharacter > bounds::kCommandReadBytes;
  std::string room;
  process->set_command_cut(cut);
  process->set_command(cut ? Masked(hidden, process->command())
                           : std::string(hidden.Apply(process->command(), &room)));
  process->set_name(Masked(hidden, process->name()));
  for (proto::ThreadSeen& thread : *process->mutable_threads())
    thread.set_name(Masked(hidden, thread.name()));
}

}  // namespace

void MaskProcesses(const TextMask& hidden, ProcessLook* look) {
  if (hidden.empty()) return;
  for (proto::ProcessSeen& process : look->processes) MaskProcess(hidden, &process);
}

}  // namespace nightjar
