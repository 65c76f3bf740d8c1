#include "supervisor/metrics/canvas_series.h"

#include <algorithm>
#include <vector>

#include "ipc/core/bounds.h"

namespace nightjar {
namespace {

constexpr double kFades = 0.9;        // from one turn to the next
constexpr double kForgotten = 1'000;  // a millisecond

}  // namespace

CanvasFigures& CanvasSeries::Of(const std::string& canvas, MonoTime now) {
  auto at = shown_.find(canvas);
  if (at != shown_.end()) return at->second.figures;
  if (shown_.size() < bounds::kCanvasSeries)
    return shown_.emplace(canvas, Shown{{}, now}).first->second.figures;
  return others_;
}

double CanvasSeries::UseOf(const std::string& canvas) const {
  auto at = lately_.find(canvas);
  return at == lately_.end() ? 0 : at->second;
}

void CanvasSeries::Turn(MonoTime now) {
  if (now < next_turn_) return;
  next_turn_ = now + bounds::kCanvasSeriesTurn;
  GivePlaces(now);
  for (auto& [canvas, use] : lately_) use *= kFades;
  std::erase_if(lately_, [](const auto& each) { return each.second < kForgotten; });
}

void CanvasSeries::GivePlaces(MonoTime now) {
  std::vector<std::pair<double, std::string>> without;  // a place
  for (const auto& [canvas, use] : lately_)
    if (!shown_.contains(canvas)) without.emplace_back(use, canvas);
  std::vector<std::pair<double, std::string>> may_go;
  for (const auto& [canvas, shown] : shown_)
    if (now - shown.since >= bounds::kCanvasSeriesTime) may_go.emplace_back(UseOf(canvas), canvas);
  std::sort(without.rbegin(), without.rend());
  std::sort(may_go.begin(), may_go.end());
  for (size_t i = 0; i < std::min(without.size(), may_go.size()); ++i) {
    if (without[i].first <= may_go[i].first) return;
    shown_.erase(may_go[i].second);
    shown_.emplace(without[i].second, Shown{{}, now});
  }
}

}  // namespace nightjar
