// Leaves out of what was seen of a program's processes what policy leaves out of its request.
//
// The canvas's own secrets are masked later, by the writer, who knows them. Pure.
#pragma once

#include "ipc/redact/text_mask.h"
#include "supervisor/watch/process_look.h"

namespace nightjar {

void MaskProcesses(const TextMask& hidden, ProcessLook* look);

}  // namespace nightjar
