// One screen of `nightjar top`: the busiest canvases and the longest runs. Pure.
#pragma once

#include <string>

#include "ipc/core/clock.h"
#include "ipc/proto/control.pb.h"
#include "supervisor/cli/paint.h"

namespace nightjar::cli {

struct TopSample {
  proto::CanvasList canvases;
  proto::RunList runs;
  MonoTime at{};
};

// Rates are between the two samples; without an earlier one there are none ("-"). `rows` is the
// screen's height; 0: no end.
std::string RenderTop(const TopSample* earlier, const TopSample& now, size_t rows,
                      const Paint& paint);

}  // namespace nightjar::cli
