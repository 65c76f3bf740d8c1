// One page about one run: what became of it and why, for somebody who has a minute. Pure.
#pragma once

#include <cstddef>
#include <string>

#include "ipc/proto/control.pb.h"
#include "supervisor/cli/paint.h"
#include "supervisor/cli/plot.h"

namespace nightjar::cli {

// `columns` is the terminal's width; the page is within it, but never narrower than kPageLeast nor
// wider than kPageMost.
inline constexpr size_t kPageLeast = 60;
inline constexpr size_t kPageMost = 120;
std::string RenderWhy(const proto::WhyAnswer& answer, size_t columns, Glyphs glyphs,
                      const Paint& paint);

}  // namespace nightjar::cli
