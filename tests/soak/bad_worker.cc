// nightjar-worker as it would be if whoever writes the canvases had written it too: the product's
// own zygote, walls and interpreter, and a session that behaves as deeds.h says.
#include <cstdlib>

#include "worker/zygote.h"

// The command line is nightjar-worker's: --zygote --control-fd N --uid U.
int main(int argc, char** argv) {
  using namespace nightjar;
  if (argc != 6) return 2;
  ZygoteOptions options;
  options.control_fd = atoi(argv[3]);
  options.uid = static_cast<uint32_t>(strtoul(argv[5], nullptr, 10));
  return LiveAsZygote("bad-zygote", options, &CreateDarkEngine);
}
