// One screen of `nightjar top`: the busiest canvases and the longest runs. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "ipc/core/clock.h"
#include "ipc/proto/control.pb.h"
#include "supervisor/cli/paint.h"

namespace nightjar::cli {

struct TopSample {
  proto::CanvasList canvases;
  proto::RunList runs;
  MonoTime at{};
};

// What the canvases are in the order of, the most first.
enum class TopSort { kCpu, kMemory, kRuns, kKills, kRefusals, kName };
// "cpu", as --sort says it.
std::optional<TopSort> TopSortNamed(std::string_view name);
// 'c', as a key says it.
std::optional<TopSort> TopSortOfKey(char key);

struct TopView {
  size_t rows = 0;  // the screen's height; 0: no end
  TopSort sort = TopSort::kCpu;
  bool keys = false;  // they are listened to, and told
};

// Rates are between the two samples; without an earlier one there are none ("-").
std::string RenderTop(const TopSample* earlier, const TopSample& now, const TopView& view,
                      const Paint& paint);

}  // namespace nightjar::cli
