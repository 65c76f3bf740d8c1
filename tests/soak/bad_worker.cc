// nightjar-worker as it would be if whoever writes the canvases had written it too: the product's
// own zygote, walls and interpreter, and a session that behaves as deeds.h says.
#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>

#include "ipc/core/log.h"
#include "worker/trace/trace_clock.h"
#include "worker/zygote.h"

// The command line is nightjar-worker's: --zygote --control-fd N --uid U.
int main(int argc, char** argv) {
  using namespace nightjar;
  if (argc != 6) return 2;
  StartLog("bad-zygote", LogMode::kSync);
  ZygoteOptions options;
  options.control_fd = atoi(argv[3]);
  options.uid = static_cast<uint32_t>(strtoul(argv[5], nullptr, 10));
  fcntl(options.control_fd, F_SETFD, FD_CLOEXEC);
  TraceClock::Calibrate();
  auto engine = CreateDarkEngine();
  Status served = ServeZygote(options, *engine);
  if (served) return 0;
  LogError("zygote_failed", {{"error", served.error().ToString()}});
  return 1;
}
