#include "supervisor/cli/progress.h"

#include <cstdio>

namespace nightjar::cli {
namespace {

constexpr Nanos kPatience = std::chrono::milliseconds(300);
constexpr char kWheel[] = {'|', '/', '-', '\\'};

}  // namespace

void Progress::Tick(Nanos waited) {
  if (where_ == Where::kNowhere || waited < kPatience) return;
  char seconds[32];
  snprintf(seconds, sizeof seconds, "%.1f s", std::chrono::duration<double>(waited).count());
  err_ << "\r" << kWheel[ticks_++ % sizeof kWheel] << " " << what_ << " ... " << seconds << "\x1b[K"
       << std::flush;
  shown_ = true;
}

void Progress::End() {
  if (!shown_) return;
  err_ << "\r\x1b[K" << std::flush;
  shown_ = false;
}

}  // namespace nightjar::cli
