// Which canvases have metrics of their own: kCanvasSeries at most, those that use most. All others
// are counted together.
//
// No count ever goes down, which a monitoring system would take for a restart: what a canvas has
// used before it got its place stays with the others'. A place is given at once while there are
// free ones; then, once a minute, to canvases that have used more lately than the least of those
// that have had theirs for kCanvasSeriesTime. So there are few new names an hour, whatever comes.
// Loop thread only.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>

#include "ipc/core/clock.h"

namespace nightjar {

struct CanvasFigures {
  uint64_t cpu_us = 0;
  uint64_t refused = 0;  // requests
  // By how they ended; those too that there have been none of, as no figure should come from
  // nowhere.
  std::map<std::string, uint64_t> runs{
      {"finished", 0}, {"killed", 0}, {"program_error", 0}, {"stopped", 0}};
};

class CanvasSeries {
 public:
  // As the label of all others; no canvas can have this name.
  static constexpr const char* kOthers = "_other";

  // Where to count for it. Not to be kept.
  CanvasFigures& Of(const std::string& canvas, MonoTime now);
  // Its use is what places go by: microseconds of processor time, or what is worth as much.
  void Weigh(const std::string& canvas, uint64_t use) { lately_[canvas] += double(use); }
  // Call every second or so.
  void Turn(MonoTime now);

  struct Shown {
    CanvasFigures figures;
    MonoTime since;
  };
  const std::map<std::string, Shown>& shown() const { return shown_; }
  const CanvasFigures& others() const { return others_; }

 private:
  void GivePlaces(MonoTime now);
  double UseOf(const std::string& canvas) const;

  std::map<std::string, Shown> shown_;
  CanvasFigures others_;
  std::unordered_map<std::string, double> lately_;  // fades; what is small is forgotten
  MonoTime next_turn_{};
};

}  // namespace nightjar
