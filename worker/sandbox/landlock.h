// Denies this process every file access that the kernel's Landlock can deny, for good: a second wall behind the empty root.
//
// Async-signal-safe. 0, or -1 with errno. A kernel without Landlock is no failure here: `nightjar doctor` says so, and refuses to serve unless
// the operator goes without.
#pragma once

namespace nightjar {

int DenyEveryFile();

}  // namespace nightjar
