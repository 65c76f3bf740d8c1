#include "ipc/core/check.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace nightjar {

void CheckFailed(const char* file, int line, const char* expression) {
  char text[512];
  int length = snprintf(text, sizeof text, "%s:%d: check failed: %s\n", file, line, expression);
  if (length > 0) {
    ssize_t ignored = write(STDERR_FILENO, text, strnlen(text, sizeof text));
    (void)ignored;
  }
  abort();
}

}  // namespace nightjar
